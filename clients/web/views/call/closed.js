/** After the call, and where there is none. */

import { button, h, icon } from '../elements.js';
import { heading, mark, page } from '../frame.js';

/** @typedef {import('../shapes.js').Catalog} Catalog */
/** @typedef {import('../shapes.js').View} View */

/**
 * There is nothing to enter, or no more.
 * @param {Catalog} words
 * @param {string} text
 * @returns {View}
 */
export function closedView(words, text) {
  return sheet(words, 'info', text, []);
}

/**
 * The conversation is over, and nothing of it is left.
 * @param {Catalog} words
 * @returns {View}
 */
export function erasedView(words) {
  return sheet(words, 'shield', words.say('erased.title'), [
    h('p', { class: 'lead' }, words.say('call.erased')),
    h('p', { class: 'goodbye' }, words.say('erased.goodbye')),
    h('p', { class: 'aside' }, words.say('call.close')),
  ]);
}

/**
 * This person is out of it; the others may still be there.
 * @param {Catalog} words
 * @param {string} text  how that came
 * @param {() => void} onback
 * @returns {View}
 */
export function leftView(words, text, onback) {
  return sheet(words, 'end', text, [
    button('back', words.say('call.return'), onback, { class: 'primary big directed' }),
    h('p', { class: 'aside' }, words.say('call.close')),
  ]);
}

/**
 * The page was reloaded in the course of a call. A browser wants a tap before there is sound.
 * @param {Catalog} words
 * @param {() => void} onresume
 * @returns {View}
 */
export function resumeView(words, onresume) {
  return sheet(words, 'camera', words.say('resume.title'), [
    button('forward', words.say('resume.go'), onresume, { class: 'primary big directed' }),
  ]);
}

/**
 * @param {Catalog} words
 * @param {keyof typeof import('../icons.js').PATHS} picture
 * @param {string} title
 * @param {Node[]} more
 * @returns {View}
 */
function sheet(words, picture, title, more) {
  return { element: page(words, 'room closed', mark(), h('div', { class: 'sheet' }, icon(picture, 'huge'), heading(title), more)), title };
}
