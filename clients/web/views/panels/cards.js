import { chosen } from '../../i18n.js';
import { button, h, icon, picture, unique } from '../elements.js';

/** @typedef {import('../shapes.js').OfficeCard} OfficeCard */

/** @type {Record<OfficeCard['kind'], 'record' | 'picture' | 'map'>} */
const PICTURES = { text: 'record', picture: 'picture', map: 'map' };

/**
 * What is shown instead of being interpreted: numbers, dates, "sign here", pictures.
 * @param {import('../desk.js').Desk} desk
 * @param {import('../table.js').Sides} sides
 * @param {() => void} close
 */
export function cards(desk, { staff }, close) {
  const { words } = staff;
  const show = (/** @type {string} */ card, /** @type {string} */ value = '') => {
    desk.conversation.card(card, value);
    close();
  };
  const office = (desk.office?.cards ?? []).map((card) => {
    const { text, language } = chosen(card.texts, staff.language);
    return h('li', {}, h('button', { type: 'button', onclick: () => show(card.id) },
      picture(card.picture ?? '', PICTURES[card.kind]),
      h('span', { lang: language || false }, text || card.id)));
  });
  return h('div', { class: 'cards' },
    valueForm('number', words, 'text', (value) => show('number', value)),
    valueForm('date', words, 'date', (value) => show('date', value)),
    h('ul', {}, h('li', {}, button('sign', words.say('card.sign'), () => show('sign'))), office));
}

/**
 * @param {'number' | 'date'} card
 * @param {import('../shapes.js').Catalog} words
 * @param {string} type
 * @param {(value: string) => void} onvalue
 */
function valueForm(card, words, type, onvalue) {
  const id = unique(card);
  const input = h('input', { id, type, required: true, maxlength: 24, autocomplete: 'off' });
  const onsubmit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    onvalue(input.value.trim());
  };
  return h('form', { onsubmit },
    h('label', { for: id }, icon(card), words.say(`card.${card}`)),
    h('div', { class: 'with-button' }, input, h('button', { type: 'submit', class: 'primary' }, h('span', { class: 'word' }, words.say('card.show')))));
}
