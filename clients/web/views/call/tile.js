/** One other person in the call: face, screen, name, and what is wrong with the picture. */

import { fill, h, icon } from '../elements.js';

/** @typedef {import('../../video/call.js').PeerView} PeerView */
/** @typedef {import('../shapes.js').Catalog} Catalog */

/** A way that was not found by then is not found soon. */
const HOPELESS_MS = 20_000;

/** @param {Catalog} words */
export function tile(words) {
  const face = pictureOf('face');
  const screen = pictureOf('screen');
  const state = h('p', { class: 'picture-state', role: 'status' });
  const name = h('p', { class: 'name' });
  const element = h('figure', { class: 'tile-picture' }, screen, face, state, name);
  let shown = '';
  let told = '';
  let hopeless = false;
  /** @type {PeerView | null} */
  let latest = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting = undefined;

  /** @param {PeerView} peer */
  const wait = ({ picture }) => {
    const searching = picture === 'connecting' || picture === 'lost';
    if (searching && waiting !== undefined) return;
    clearTimeout(waiting);
    waiting = undefined;
    hopeless = false;
    if (!searching) return;
    waiting = setTimeout(() => {
      hopeless = true;
      if (latest) update(latest);
    }, HOPELESS_MS);
  };
  /** @param {PeerView} peer */
  const update = (peer) => {
    latest = peer;
    wait(peer);
    if (face.srcObject !== peer.stream) face.srcObject = peer.stream;
    if (screen.srcObject !== peer.screen) screen.srcObject = peer.screen;
    const key = JSON.stringify([peer.role, peer.picture, peer.microphone, peer.sharing, peer.away, hopeless]);
    if (key === shown) return;
    shown = key;
    const role = words.say(`call.${peer.role}`);
    element.dataset['picture'] = peer.picture;
    element.classList.toggle('sharing', peer.sharing);
    face.hidden = peer.picture === 'off' || peer.picture === 'narrow';
    screen.hidden = !peer.sharing;
    for (const video of [face, screen]) video.setAttribute('aria-label', role);
    const code = problem(peer, hopeless);
    if (code !== told) fill(state, ...(code ? [icon(peer.picture === 'connecting' ? 'clock' : 'camera-off'), h('span', {}, words.say(code))] : []));
    told = code;
    fill(name, role, !peer.microphone && icon('mic-off'), !peer.microphone && h('span', { class: 'unseen' }, words.say('call.muted')));
  };
  return {
    element,
    update,
    close() {
      clearTimeout(waiting);
      element.remove();
    },
  };
}

/** Muted: their voice is mixed with the interpretation, see video/ducking.js. @param {string} name */
function pictureOf(name) {
  const video = h('video', { class: name, autoplay: true, playsinline: true, muted: true, hidden: name === 'screen' });
  video.muted = true;
  return video;
}

/** @param {PeerView} peer @param {boolean} hopeless @returns {string} empty where all is well */
function problem({ away, picture }, hopeless) {
  if (away) return 'call.away';
  if (picture === 'live') return '';
  return hopeless ? 'call.no-way' : `call.${picture}`;
}
