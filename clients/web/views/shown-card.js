import { chosen } from '../i18n.js';
import { button, fill, h, icon, picture } from './elements.js';

/** @typedef {import('./desk.js').Desk} Desk */
/** @typedef {import('./shapes.js').Side} Side */

/**
 * A card that lies on the table: on both halves, each in its own language.
 * @param {Desk} desk
 * @param {Side} side
 * @param {(text: string, language?: string) => void} announce
 */
export function shownCard(desk, side, announce) {
  const { words, party } = side;
  const element = h('div', { class: 'shown-card', hidden: true });
  let shown = '';
  const update = () => {
    const { card } = desk.state;
    const now = JSON.stringify(card?.card ? card : null);
    if (now === shown) return;
    shown = now;
    element.hidden = !card?.card;
    if (!card?.card) return fill(element);
    const { text, language } = chosen(card.messages ?? {}, side.language);
    element.dataset['card'] = card.card;
    fill(element, ...look(card, h('p', { class: 'caption', lang: language || false, dir: 'auto' }, text), desk),
      party === 'staff' && button('cross', words.say('card.away'), () => desk.conversation.card('', ''), { class: 'away' }));
    announce(text || (card.value ?? ''), language);
  };
  return { element, update };
}

/**
 * @param {import('../protocol.js').CardMessage} shown
 * @param {HTMLElement} caption
 * @param {Desk} desk
 * @returns {(Node | false)[]}
 */
function look({ card, value = '', picture: drawn }, caption, desk) {
  if (card === 'number') {
    const size = value.length > 12 ? 'long' : value.length > 6 ? 'middle' : 'short';
    return [h('p', { class: 'value', 'data-size': size, dir: 'auto' }, value), !['', value].includes(caption.textContent ?? '') && caption];
  }
  if (card === 'date') return [leaf(value), caption];
  if (card === 'sign') return [icon('sign', 'huge'), caption];
  const office = desk.office?.cards.find(({ id }) => id === card);
  return [picture(drawn ?? office?.picture ?? '', office?.kind === 'map' ? 'map' : 'record', 'huge'), caption];
}

/** A calendar's leaf. @param {string} date  as in 2026-08-18 */
function leaf(date) {
  const [, month = '', day = ''] = date.split('-');
  return h('p', { class: 'leaf', 'aria-hidden': 'true' }, h('span', { class: 'month' }, `${Number(day)}.${Number(month)}.`), h('span', { class: 'day' }, String(Number(day))));
}
