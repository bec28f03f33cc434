import { button, h, icon, unique } from '../elements.js';

/** What the service takes at once. */
const LONGEST = 2000;

/**
 * To type instead of speaking, in the direction of one's language.
 * @param {import('../desk.js').Desk} desk
 * @param {import('../shapes.js').Side} side
 * @param {() => void} close
 */
export function typing(desk, { party, words, language, direction, name }, close) {
  const id = unique('type');
  const area = h('textarea', { id, rows: 3, lang: language, dir: direction, maxlength: LONGEST, enterkeyhint: 'send' });
  const send = () => {
    const text = area.value.trim();
    if (!text) return area.focus();
    desk.conversation.say(text, party);
    close();
  };
  area.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
  return h('div', { class: 'typing' },
    h('label', { for: id }, words.say('type.label', { language: name })),
    party === 'visitor' && turnNote(words),
    area,
    button('send', words.say('type.send'), send, { class: 'primary' }));
}

/**
 * A tablet's keyboard stands upright for the staff only.
 * @param {import('../shapes.js').Catalog} words
 */
export function turnNote(words) {
  return h('p', { class: 'turn-note' }, icon('turn'), words.say('type.turn'));
}
