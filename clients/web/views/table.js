/** One tablet between two people: a half for each, in their own language and direction. */

import { h, hidden } from './elements.js';

/** @typedef {import('./shapes.js').Party} Party */
/** @typedef {import('./shapes.js').Side} Side */
/** @typedef {Record<Party, Side>} Sides */
/** @typedef {'across' | 'beside' | 'alone'} Layout  alone: only the staff's half, of a telephone call */

/**
 * @param {Sides} sides
 * @param {string} title  of the whole, for those who hear it
 * @param {Layout} layout
 */
export function table(sides, title, layout) {
  const visitor = half(sides.visitor);
  const staff = half(sides.staff);
  const heading = h('h1', { class: 'unseen', tabindex: -1, 'data-focus': true, lang: sides.staff.words.language }, title);
  const element = h('div', { class: 'table', 'data-layout': layout }, heading, visitor, staff);
  const setLayout = (/** @type {Layout} */ chosen) => element.setAttribute('data-layout', chosen);
  return { element, halves: { visitor, staff }, setLayout };
}

/** @param {Side} side */
function half({ party, words, name }) {
  return h('section', {
    class: `half ${party}`,
    'data-party': party,
    lang: words.language,
    dir: words.direction,
    'aria-label': words.say(`half.${party}`, { language: name }),
  });
}

/**
 * A text in a language that may not be the page's.
 * @param {string} text
 * @param {{language: string, direction?: 'ltr' | 'rtl'}} language
 * @param {string} [className]
 */
export function spoken(text, { language, direction }, className) {
  return h('span', { class: className, lang: language, dir: direction ?? 'auto' }, text);
}

/**
 * What a screen reader says on one half: final lines and news, each once.
 */
export function announcer() {
  const element = h('div', { class: 'unseen', role: 'status' });
  return {
    element,
    /** @param {string} text @param {string} [language] */
    announce(text, language) {
      element.replaceChildren(hidden(text, { lang: language }));
    },
  };
}
