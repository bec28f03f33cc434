/** Calling the visitor by telephone, into a conversation in which staff are by video. */

import { hangUp, phone, phones } from '../../api.js';
import { button, fill, h, icon, unique } from '../elements.js';
import { teller } from '../frame.js';
import { trouble } from '../sign-in.js';

const LOOK_MS = 1000;

/** @param {import('../shapes.js').Opened} opened @returns {Promise<boolean>} whether anybody can be called from here */
export async function canPhone({ name, staffToken }) {
  return phones(name, staffToken).then(() => true, () => false);
}

/**
 * @param {import('../shapes.js').Catalog} words
 * @param {import('../shapes.js').Opened} opened
 */
export function showPhone(words, { name, staffToken }) {
  const id = unique('number');
  const status = teller();
  const list = h('ul', { class: 'phones' });
  const number = h('input', { id, type: 'tel', autocomplete: 'off', required: true, dir: 'ltr' });
  const form = h('form', {
    class: 'field',
    onsubmit: async (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      status.tell('');
      try {
        await phone(name, staffToken, number.value);
        await look();
      } catch (error) {
        status.tell(trouble(error, words));
      }
    },
  }, h('label', { for: id }, words.say('call.phone.number')), number, h('button', { type: 'submit', class: 'primary' }, icon('phone'), words.say('call.phone.dial')));
  let shown = '';
  const look = async () => {
    const all = await phones(name, staffToken).catch(() => []);
    const now = JSON.stringify(all);
    if (now === shown) return;
    shown = now;
    fill(list, ...all.slice(-3).map(({ call, state }) => h('li', {},
      h('span', { role: 'status' }, words.say(`call.phone.${state}`)),
      ['ringing', 'asking', 'in'].includes(state) && button('cross', words.say('call.phone.hang-up'), () => void hangUp(name, staffToken, call).catch(() => undefined)))));
  };
  const timer = setInterval(look, LOOK_MS);
  const dialog = h('dialog', { class: 'invitation', lang: words.language, dir: words.direction, 'aria-labelledby': 'phone-title', onclose: () => {
    clearInterval(timer);
    dialog.remove();
  } },
    h('h2', { id: 'phone-title' }, words.say('call.phone')),
    h('p', {}, words.say('call.phone.hint')),
    form, status.element, list,
    button('cross', words.say('close'), () => dialog.close(), { class: 'primary' }));
  document.body.append(dialog);
  dialog.showModal();
  void look();
}
