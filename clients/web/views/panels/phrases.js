import { chosen } from '../../i18n.js';
import { h, icon } from '../elements.js';

/**
 * The office's fixed phrases, translated and checked beforehand.
 * @param {import('../desk.js').Desk} desk
 * @param {import('../table.js').Sides} sides
 * @param {() => void} close
 */
export function phrases(desk, { staff, visitor }, close) {
  const all = desk.office?.phrases ?? [];
  const say = (/** @type {string} */ id) => {
    desk.conversation.phrase(id, 'staff');
    close();
  };
  if (all.length === 0) return h('p', { class: 'nothing' }, icon('info'), staff.words.say('phrases.none'));
  return h('ul', { class: 'phrases' }, all.map(({ id, texts }) => {
    const own = chosen(texts, staff.language);
    const theirs = texts[visitor.language];
    return h('li', {}, h('button', { type: 'button', onclick: () => say(id) },
      h('span', { lang: own.language || false }, own.text || id),
      theirs && h('small', { lang: visitor.language, dir: visitor.direction }, theirs)));
  }));
}
