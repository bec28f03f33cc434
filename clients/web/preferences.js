/**
 * What this tablet remembers of how it is used. Nothing of what people say, and no key.
 *
 * @typedef {object} Preferences
 * @property {'across' | 'beside'} layout  the visitor's half turned round, or both the same way up
 * @property {Record<string, number>} languageUses  how often a language was chosen
 * @property {string} office
 * @property {string} language  of the staff's page; empty: the browser's
 * @property {number} staffText  factor of the text size
 * @property {number} visitorText
 * @property {boolean} staffCaptions  people's own words on their half
 * @property {boolean} visitorCaptions
 * @property {string} staffKey  that is held to talk, as in KeyboardEvent.code; empty: none
 * @property {string} visitorKey
 * @property {boolean} handsFree
 * @property {number} originalVoice  loudness of people's own voices under the interpretation; 1: as ever
 */

/** @type {Preferences} */
const DEFAULTS = {
  layout: 'across',
  languageUses: {},
  office: '',
  language: '',
  staffText: 1,
  visitorText: 1,
  staffCaptions: true,
  visitorCaptions: true,
  staffKey: 'F1',
  visitorKey: 'F2',
  handsFree: false,
  originalVoice: 0.15,
};

const PREFIX = 'tablet.';

/**
 * @template {keyof Preferences} K
 * @param {K} name
 * @returns {Preferences[K]}
 */
export function remembered(name) {
  try {
    const value = JSON.parse(localStorage.getItem(PREFIX + name) ?? 'null');
    return value !== null && typeof value === typeof DEFAULTS[name] ? value : DEFAULTS[name];
  } catch {
    return DEFAULTS[name];
  }
}

/**
 * Where nothing may be stored (private windows), the tablet works and forgets.
 * @template {keyof Preferences} K
 * @param {K} name
 * @param {Preferences[K]} value
 */
export function remember(name, value) {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // Storage is full or forbidden.
  }
}
