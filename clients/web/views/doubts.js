/** What is doubtful in a line, shown where it stands and in words. */

import { h, icon } from './elements.js';
import { spoken } from './table.js';

/** @typedef {import('../conversation.js').Line} Line */
/** @typedef {import('../protocol.js').Fact} Fact */
/** @typedef {import('./shapes.js').Side} Side */

/** Flags that say "this may be wrong" and are not told in another way. */
const WRONG = ['fact_changed', 'fact_missing', 'fact_added', 'term_forbidden', 'too_long', 'too_short', 'incomplete'];

/**
 * @param {Line} line
 * @returns {'failed' | 'unsure' | 'wrong' | 'confirmed' | null} the gravest doubt; null for none
 */
export function doubtOf(line) {
  if (line.failed) return 'failed';
  if (line.confirmed) return 'confirmed';
  if (line.flags.some((flag) => WRONG.includes(flag)) || line.back?.doubtful) return 'wrong';
  if (line.flags.includes('low_confidence')) return 'unsure';
  return null;
}

/** @param {Line} line @returns {Fact[]} details that did not come through */
export function lost(line) {
  return line.facts.filter((fact) => fact.status !== 'kept');
}

/**
 * A text whose details stand out. What is certain is steady, what may still change is lighter.
 * @param {string} text
 * @param {number} committed  how many of its first characters are certain
 * @param {Fact[]} facts
 * @param {'source' | 'target'} end  which side of the facts this text is
 * @returns {Node[]}
 */
export function marked(text, committed, facts, end) {
  const steady = [...stretches(text.slice(0, committed), facts, end)];
  const rest = text.slice(committed);
  return rest ? [...steady, h('span', { class: 'partial' }, rest)] : steady;
}

/**
 * @param {string} text
 * @param {Fact[]} facts
 * @param {'source' | 'target'} end
 */
function* stretches(text, facts, end) {
  let from = 0;
  for (const { at, words, status } of places(text, facts, end)) {
    if (at < from) continue;
    yield document.createTextNode(text.slice(from, at));
    yield h('mark', { class: 'fact', 'data-status': status }, words);
    from = at + words.length;
  }
  yield document.createTextNode(text.slice(from));
}

/**
 * @param {string} text
 * @param {Fact[]} facts
 * @param {'source' | 'target'} end
 */
function places(text, facts, end) {
  return facts
    .map((fact) => ({ words: fact[end] ?? '', status: fact.status }))
    .filter(({ words }) => words !== '')
    .map(({ words, status }) => ({ words, status, at: placeOf(words, text) }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.at - b.at);
}

/**
 * Rather where they stand by themselves than within a longer word.
 * @param {string} words
 * @param {string} text
 */
function placeOf(words, text) {
  for (let at = text.indexOf(words); at >= 0; at = text.indexOf(words, at + 1)) {
    const around = `${text[at - 1] ?? ' '}${text[at + words.length] ?? ' '}`;
    if (!/[\p{L}\p{N}]/u.test(around)) return at;
  }
  return text.indexOf(words);
}

/**
 * What was said, and what became of it, detail by detail.
 * @param {Line} line
 * @param {Side} side  who reads
 */
export function comparison(line, { words }) {
  const source = { language: line.source.language };
  const target = { language: line.target?.language ?? '' };
  const part = (/** @type {string} */ label, /** @type {string} */ text, /** @type {{language: string}} */ language) =>
    h('span', { class: 'part' }, h('span', { class: 'label' }, words.say(label)), ' ',
      text ? spoken(text, language, 'value') : h('span', { class: 'value none' }, words.say('fact.nothing')));
  return h('ul', { class: 'comparison' }, lost(line).map((fact) =>
    h('li', {},
      h('span', { class: 'kind' }, words.say(`fact.${fact.kind}`)),
      part('fact.said', fact.source ?? '', source), icon('forward', 'directed'), part('fact.translated', fact.target ?? '', target))));
}

/**
 * @param {'failed' | 'unsure' | 'wrong' | 'confirmed'} doubt
 * @param {boolean} own
 * @param {Side} side
 */
export function doubtNote(doubt, own, { words }) {
  const text = words.say(own ? `doubt.${doubt}.own` : `doubt.${doubt}`);
  return h('p', { class: 'doubt' }, icon(doubt === 'confirmed' ? 'check' : 'warning'), h('span', {}, text));
}
