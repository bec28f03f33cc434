/** What can be said about a pair of languages, and the tiles to choose one. */

import { remember, remembered } from '../preferences.js';
import { h, icon } from './elements.js';

/** @typedef {import('./shapes.js').Catalog} Catalog */
/** @typedef {import('./shapes.js').Language} Language */
/** @typedef {import('./shapes.js').Quality} Quality */

/** @type {Quality[]} */
const QUALITIES = ['demonstration', 'basic', 'good', 'native'];

/** How many of those used most stand first. */
const OFTEN = 6;

/**
 * @param {Language} one
 * @param {Language} other
 * @returns {Quality | null} of the worse direction; null where one of the two is missing
 */
export function qualityBetween(one, other) {
  const there = one.translations[other.tag];
  const back = other.translations[one.tag];
  if (!there || !back) return null;
  return QUALITIES.indexOf(there) < QUALITIES.indexOf(back) ? there : back;
}

/**
 * Bars and a word.
 * @param {Quality} quality
 * @param {Catalog} words
 */
export function qualityMark(quality, words) {
  const level = QUALITIES.indexOf(quality) + 1;
  const bars = h('span', { class: 'bars', 'data-level': level, 'aria-hidden': 'true' }, [1, 2, 3, 4].map(() => h('i')));
  return h('span', { class: 'quality', 'data-quality': quality }, bars, words.say(`quality.${quality}`));
}

/**
 * What works in a language: each thing a picture and a word.
 * @param {Language} language
 * @param {Catalog} words
 */
export function abilities(language, words) {
  const ability = (/** @type {'mic' | 'text' | 'voice'} */ picture, /** @type {string} */ word) =>
    h('span', { class: 'ability' }, icon(picture), word);
  return h(
    'span',
    { class: 'abilities' },
    language.heard && ability('mic', words.say('ability.speech')),
    ability('text', words.say('ability.text')),
    language.voice && ability('voice', words.say('ability.voice')),
  );
}

/**
 * @param {Language} language
 * @param {Quality} quality
 * @param {Catalog} words
 * @param {() => void} onclick
 */
export function tile(language, quality, words, onclick) {
  return h(
    'button',
    { type: 'button', class: 'tile', onclick, 'data-language': language.tag },
    h('span', { class: 'own', lang: language.tag, dir: language.direction }, language.name),
    h('span', { class: 'known-as' }, words.nameOf(language.tag)),
    qualityMark(quality, words),
    abilities(language, words),
  );
}

/** @param {string} tag */
export function count(tag) {
  const uses = remembered('languageUses');
  remember('languageUses', { ...uses, [tag]: (uses[tag] ?? 0) + 1 });
}

/**
 * The languages that can be interpreted for somebody who speaks `staff`, those used most apart.
 * @param {Language[]} languages
 * @param {Language} staff
 * @returns {{often: Language[], rest: Language[]}}
 */
export function offered(languages, staff) {
  const uses = remembered('languageUses');
  const inOrder = new Intl.Collator(staff.tag);
  const possible = languages
    .filter((language) => language.tag !== staff.tag && qualityBetween(language, staff))
    .sort((a, b) => inOrder.compare(a.name, b.name));
  const often = possible
    .filter((language) => uses[language.tag])
    .sort((a, b) => (uses[b.tag] ?? 0) - (uses[a.tag] ?? 0))
    .slice(0, OFTEN);
  return { often, rest: possible.filter((language) => !often.includes(language)) };
}

/** @type {Map<string, string[]>} */
const namesOf = new Map();

/**
 * Whether somebody who types this may mean that language: its name in German, in English, in
 * itself or in the staff's language, or its tag; accents do not matter.
 * @param {Language} language
 * @param {string} typed
 * @param {Catalog} words
 */
export function matches(language, typed, words) {
  const key = `${words.language} ${language.tag}`;
  const names = namesOf.get(key) ?? [
    language.name,
    language.tag,
    ...['de', 'en', words.language, language.tag].map((tag) => displayed(language.tag, tag)),
  ].map(plainly);
  namesOf.set(key, names);
  const sought = plainly(typed.trim());
  return names.some((name) => name.includes(sought));
}

/** @param {string} language @param {string} reader */
function displayed(language, reader) {
  return new Intl.DisplayNames([reader], { type: 'language' }).of(language) ?? language;
}

/** @param {string} text */
function plainly(text) {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}
