/**
 * A page that is reloaded leaves its connection behind, and what was being said into it. The next
 * page says goodbye for it: so it is interpreted now, not when the service has waited in vain.
 */

import { SUBPROTOCOL } from './protocol.js';

/** @typedef {{conversation: string, connection: string}} Kept */

const KEPT = 'tablet.connection';
const PATIENCE_MS = 10_000;

/** It vanishes with the tab. @param {Kept} names */
export function keepConnection({ conversation, connection }) {
  sessionStorage.setItem(KEPT, JSON.stringify({ conversation, connection }));
}

export function forgetConnection() {
  sessionStorage.removeItem(KEPT);
}

/** What the page before this one had in this tab. @returns {Kept | null} */
export function formerConnection() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? 'null');
  } catch {
    return null;
  }
}

/**
 * Take the connection over, and leave it. No harm is done where it is forgotten already.
 * @param {string} url
 * @param {import('./protocol.js').ClientMessage & Record<string, unknown>} join  as the former page did
 */
export function dismiss(url, join) {
  const socket = new WebSocket(url, SUBPROTOCOL);
  const late = setTimeout(() => socket.close(), PATIENCE_MS);
  socket.onopen = () => {
    // Nothing of what happened is wanted on this one.
    socket.send(JSON.stringify({ ...join, resume_after: Number.MAX_SAFE_INTEGER }));
    socket.send(JSON.stringify({ type: 'leave' }));
  };
  socket.onclose = () => clearTimeout(late); // the service closes it after `leave`
}
