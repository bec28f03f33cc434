/**
 * Shapes that the views share.
 *
 * @typedef {'staff' | 'visitor'} Party
 * @typedef {import('../i18n.js').Catalog} Catalog
 *
 * @typedef {object} View
 * @property {HTMLElement} element
 * @property {string} title  of the document
 * @property {() => void} [close]  lets go of what the view holds
 *
 * @typedef {object} Language  as the counter describes it
 * @property {string} tag
 * @property {string} name  its own
 * @property {'ltr' | 'rtl'} direction
 * @property {boolean} heard
 * @property {'good' | 'basic' | null} voice
 * @property {Record<string, Quality>} translations
 *
 * @typedef {'native' | 'good' | 'basic' | 'demonstration'} Quality
 *
 * @typedef {object} Phrase
 * @property {string} id
 * @property {Record<string, string>} texts
 *
 * @typedef {object} OfficeCard
 * @property {string} id
 * @property {'text' | 'picture' | 'map'} kind
 * @property {string} [picture]
 * @property {Record<string, string>} texts
 *
 * @typedef {object} Office
 * @property {string} name
 * @property {Record<string, string>} title
 * @property {string} language
 * @property {string} formality
 * @property {Phrase[]} phrases
 * @property {OfficeCard[]} cards
 *
 * @typedef {object} Counter
 * @property {Language[]} languages
 * @property {Office[]} offices
 * @property {string[]} plain
 *
 * @typedef {object} Side  one of the two people
 * @property {Party} party
 * @property {string} language
 * @property {string} name  the language's own
 * @property {'ltr' | 'rtl'} direction  of the language
 * @property {Catalog} words  of the page, for this person
 *
 * @typedef {object} Opened  what the tablet knows of the conversation on it
 * @property {string} name
 * @property {string} shared  token of this tablet
 * @property {string} staffToken  for the sheet of a hand-over
 * @property {string} staff  language
 * @property {string} visitor  language
 * @property {string} office  name, or empty
 */

export {};
