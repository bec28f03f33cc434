import { button, fill, h, icon } from './elements.js';
import { heading, mark, page, teller } from './frame.js';
import { qualityMark } from './languages.js';
import { trouble } from './sign-in.js';

/** @typedef {import('./shapes.js').Catalog} Catalog */
/** @typedef {import('./shapes.js').Language} Language */
/** @typedef {import('./shapes.js').Quality} Quality */

/**
 * What staff can expect of two languages, before they start.
 * @param {object} options
 * @param {Catalog} options.words
 * @param {Language} options.staff
 * @param {Language} options.visitor
 * @param {() => void} options.onback
 * @param {() => Promise<void>} options.onstart
 * @returns {import('./shapes.js').View}
 */
export function pairView({ words, staff, visitor, onback, onstart }) {
  const status = teller();
  const name = (/** @type {Language} */ language) => words.nameOf(language.tag);
  const start = button('phrases', words.say('pair.start'), async () => {
    start.disabled = true;
    status.tell(words.say('wait'));
    try {
      await onstart();
    } catch (error) {
      status.tell(trouble(error, words));
      start.disabled = false;
    }
  }, { class: 'primary big' });
  const element = page(
    words, 'pair',
    h('header', { class: 'top' }, mark(), button('back', words.say('back'), onback, { class: 'quiet directed' })),
    h('div', { class: 'sheet' },
      heading(words.say('pair.title', { staff: name(staff), visitor: name(visitor) }), 'unseen'),
      h('p', { class: 'pair-names', 'aria-hidden': 'true' },
        h('span', { lang: staff.tag, dir: staff.direction }, staff.name), icon('swap'),
        h('span', { lang: visitor.tag, dir: visitor.direction }, visitor.name)),
      h('dl', { class: 'facts' },
        direction(words.say('pair.hears', { language: name(visitor) }), visitor.translations[staff.tag], words),
        direction(words.say('pair.says', { language: name(visitor) }), staff.translations[visitor.tag], words),
        fact(words.say('pair.speech'), visitor.heard ? 'mic' : 'keyboard', words.say(visitor.heard ? 'pair.speech.yes' : 'pair.speech.no')),
        fact(words.say('pair.voice'), visitor.voice ? 'voice' : 'read', words.say(`pair.voice.${visitor.voice ?? 'none'}`))),
      warning(staff, visitor, words),
      status.element,
      start,
      h('p', { class: 'aside' }, icon('machine'), words.say('pair.agree'))),
  );
  return { element, title: words.say('pair.title', { staff: name(staff), visitor: name(visitor) }) };
}

/**
 * @param {string} label
 * @param {Quality | undefined} quality
 * @param {Catalog} words
 */
function direction(label, quality, words) {
  return h('div', {}, h('dt', {}, label), h('dd', {}, quality && qualityMark(quality, words)));
}

/**
 * @param {string} label
 * @param {'mic' | 'keyboard' | 'voice' | 'read'} picture
 * @param {string} text
 */
function fact(label, picture, text) {
  return h('div', {}, h('dt', {}, label), h('dd', {}, icon(picture), text));
}

/**
 * @param {Language} staff
 * @param {Language} visitor
 * @param {Catalog} words
 */
function warning(staff, visitor, words) {
  const demonstration = [staff.translations[visitor.tag], visitor.translations[staff.tag]].includes('demonstration');
  const box = h('p', { class: 'warning', hidden: !demonstration });
  if (demonstration) fill(box, icon('warning'), h('span', {}, words.say('demonstration.staff')));
  return box;
}
