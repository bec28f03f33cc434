import { button, h, icon } from './elements.js';
import { heading, mark, page } from './frame.js';

/**
 * The service is still loading, or does not answer.
 * @param {import('./shapes.js').Catalog} words
 * @param {() => void} [ontry]  without it the page goes on by itself
 * @returns {import('./shapes.js').View}
 */
export function startingView(words, ontry) {
  const text = words.say(ontry ? 'error.unreachable' : 'starting');
  const element = page(words, 'starting', mark(),
    h('div', { class: 'sheet' }, icon('clock', 'huge'), heading(text), ontry && button('again', words.say('try-again'), ontry, { class: 'primary big' })));
  return { element, title: text };
}
