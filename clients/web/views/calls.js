/** The telephone calls that go on; staff may follow one, and type into it. */

import { calls } from '../api.js';
import { button, fill, h } from './elements.js';

/** @typedef {import('../api.js').Call} Call */

const LOOK_MS = 4000;

/**
 * @param {import('./shapes.js').Catalog} words
 * @param {(call: Call) => void} onfollow
 * @returns {{element: HTMLElement, close: () => void}}
 */
export function callsList(words, onfollow) {
  const list = h('ul', {});
  const element = h('section', { class: 'calls', hidden: true }, h('h2', {}, words.say('calls.title')), list);
  let shown = '';
  const look = async () => {
    if (document.visibilityState !== 'visible') return;
    const found = await calls().catch(() => []);
    const now = JSON.stringify(found.map(({ name, state, language, staff_token: token }) => [name, state, language, Boolean(token)]));
    if (now === shown) return;
    shown = now;
    element.hidden = found.length === 0;
    fill(list, ...found.map((call) => item(call, words, onfollow)));
  };
  const looking = setInterval(look, LOOK_MS);
  void look();
  return { element, close: () => clearInterval(looking) };
}

/**
 * @param {Call} call
 * @param {import('./shapes.js').Catalog} words
 * @param {(call: Call) => void} onfollow
 */
function item(call, words, onfollow) {
  const { language, state, staff_token: token } = call;
  const name = language ? `${words.nameOf(language)}: ` : '';
  return h('li', {}, h('span', {}, name, words.say(`calls.${state}`)),
    token && button('forward', words.say('calls.follow'), () => onfollow(call), { class: 'primary' }));
}
