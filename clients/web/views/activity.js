import { fill, h, icon } from './elements.js';
import { wave } from './talk-button.js';

/** @typedef {import('./desk.js').Desk} Desk */
/** @typedef {import('./shapes.js').Side} Side */
/** @typedef {'ready' | 'listening' | 'other' | 'thinking' | 'speaking' | 'waiting'} Doing */

/** @type {Record<Doing, keyof typeof import('./icons.js').PATHS>} */
const PICTURES = { ready: 'ready', listening: 'ear', other: 'person', thinking: 'thinking', speaking: 'voice', waiting: 'offline' };

/**
 * What the machine does, as one person sees it: a picture, a word, and motion.
 * @param {Desk} desk
 * @param {Side} side
 */
export function activity(desk, { party, words }) {
  const element = h('p', { class: 'activity' });
  let shown = '';
  const update = () => {
    const doing = what(desk, party);
    if (doing === shown) return;
    shown = doing;
    element.dataset['doing'] = doing;
    element.closest('.half')?.setAttribute('data-doing', doing);
    fill(element, icon(PICTURES[doing]), h('span', {}, words.say(`activity.${doing}`)), moves(doing) && wave());
  };
  return { element, update };
}

/** @param {Doing} doing */
function moves(doing) {
  return doing === 'listening' || doing === 'other' || doing === 'speaking';
}

/**
 * @param {Desk} desk
 * @param {import('./shapes.js').Party} party
 * @returns {Doing}
 */
function what(desk, party) {
  const { connection, activity: doing, speaker } = desk.state;
  if (connection !== 'open') return 'waiting';
  if (desk.talking) return desk.talking === party ? 'listening' : 'other';
  if (doing === 'listening') return speaker && speaker !== party ? 'other' : 'listening';
  return doing === 'idle' ? 'ready' : doing;
}
