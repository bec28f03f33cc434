/** The two people of a conversation, as pages show them. */

import { catalog, directionOf } from './i18n.js';

/**
 * @param {import('./views/shapes.js').Party} party
 * @param {string} language
 * @param {import('./views/shapes.js').Language[]} languages  that are known
 * @returns {Promise<import('./views/shapes.js').Side>}
 */
export async function side(party, language, languages) {
  const known = languages.find(({ tag }) => tag === language);
  return {
    party,
    language,
    name: known?.name ?? language,
    direction: known?.direction ?? directionOf(language),
    words: await catalog(language),
  };
}
