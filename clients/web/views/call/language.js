import { bare } from '../../i18n.js';
import { h } from '../elements.js';
import { heading, mark, page } from '../frame.js';
import { languageList } from '../language-list.js';

/** @typedef {import('../shapes.js').Language} Language */

/**
 * Visitors say which language they speak, where nobody knew; those of their browser come first.
 * @param {object} options
 * @param {import('../shapes.js').Catalog} options.words
 * @param {string} options.when  the appointment, in words
 * @param {Language[]} options.languages  that can be interpreted
 * @param {string} options.staff  language of the staff
 * @param {(language: Language) => void} options.onlanguage
 * @returns {import('../shapes.js').View}
 */
export function languageView({ words, when, languages, staff, onlanguage }) {
  const title = words.say('lobby.which');
  const known = new Set(navigator.languages.map(bare));
  const first = [...known].flatMap((tag) => languages.find((language) => language.tag === tag) ?? []);
  const inOrder = new Intl.Collator(words.language);
  const rest = languages.filter(({ tag }) => !known.has(tag)).sort((a, b) => inOrder.compare(a.name, b.name));
  const list = languageList({
    words, title: words.say('lobby.proposed'), first, rest, quality: ({ translations }) => translations[staff], onlanguage,
  });
  const element = page(words, 'start call-language', mark(),
    h('div', { class: 'ask' }, heading(title), h('p', { class: 'lead' }, when)),
    h('div', { class: 'ways' }, list.search), list.found, list.results);
  return { element, title };
}
