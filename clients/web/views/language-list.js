import { fill, h, icon, unique } from './elements.js';
import { matches, tile } from './languages.js';

/** @typedef {import('./shapes.js').Catalog} Catalog */
/** @typedef {import('./shapes.js').Language} Language */

/**
 * Languages to choose from, and a field to search among them.
 * @param {object} options
 * @param {Catalog} options.words
 * @param {string} options.title  of those that stand first
 * @param {Language[]} options.first
 * @param {Language[]} options.rest
 * @param {(language: Language) => import('./shapes.js').Quality | undefined | null} options.quality
 * @param {(language: Language) => void} options.onlanguage
 */
export function languageList({ words, title, first, rest, quality, onlanguage }) {
  const results = h('div', { class: 'results' });
  const found = h('p', { class: 'unseen', role: 'status' });
  const group = (/** @type {string} */ name, /** @type {Language[]} */ list) =>
    list.length > 0 && h('section', {}, h('h2', {}, name), h('div', { class: 'grid' }, list.map((language) =>
      tile(language, quality(language) ?? 'basic', words, () => onlanguage(language)))));
  const show = (/** @type {string} */ typed) => {
    const [before, after] = [first, rest].map((list) => list.filter((language) => matches(language, typed, words)));
    const count = (before?.length ?? 0) + (after?.length ?? 0);
    fill(results,
      group(title, before ?? []),
      group(words.say(before?.length ? 'start.more' : 'start.all'), after ?? []),
      count === 0 && h('p', { class: 'nothing' }, icon('info'), words.say('start.none')));
    found.textContent = typed ? words.say('start.found', { count }) : '';
  };
  show('');
  return { search: searchField(words, show), found, results };
}

/**
 * @param {Catalog} words
 * @param {(typed: string) => void} ontype
 */
function searchField(words, ontype) {
  const id = unique('search');
  const input = h('input', {
    id, type: 'search', autocomplete: 'off', spellcheck: 'false', placeholder: words.say('start.search'), oninput: () => ontype(input.value),
  });
  return h('div', { class: 'search' }, h('label', { for: id, class: 'unseen' }, words.say('start.search')), icon('search'), input);
}
