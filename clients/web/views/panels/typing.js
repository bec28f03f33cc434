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
    party === 'visitor' && !desk.apart && turnNote(words),
    area,
    button('send', words.say('type.send'), send, { class: 'primary' }));
}

/**
 * A line to type into, on a device of one's own; it is interpreted like what is said.
 * @param {import('../desk.js').Desk} desk
 * @param {import('../shapes.js').Side} side
 */
export function chatLine(desk, { party, words, language, direction, name }) {
  const label = words.say('type.label', { language: name });
  const input = h('input', {
    type: 'text', lang: language, dir: direction, maxlength: LONGEST, enterkeyhint: 'send', autocomplete: 'off', 'aria-label': label, placeholder: label,
  });
  const onsubmit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (text) desk.conversation.say(text, party);
    input.value = '';
    input.focus();
  };
  return h('form', { class: 'chat with-button', onsubmit },
    input, h('button', { type: 'submit', class: 'bare' }, icon('send'), h('span', { class: 'word' }, words.say('type.send'))));
}

/**
 * A tablet's keyboard stands upright for the staff only.
 * @param {import('../shapes.js').Catalog} words
 */
export function turnNote(words) {
  return h('p', { class: 'turn-note' }, icon('turn'), words.say('type.turn'));
}
