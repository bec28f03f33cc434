import { button, fill, h, icon } from './elements.js';

/** @typedef {import('./desk.js').Desk} Desk */
/** @typedef {import('./shapes.js').Side} Side */

/**
 * A card that lies on the table: on both halves, each in its own language.
 * @param {Desk} desk
 * @param {Side} side
 * @param {(text: string) => void} announce
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
    const text = words.pick(card.messages ?? {});
    element.dataset['card'] = card.card;
    fill(element, ...look(card, text, desk),
      party === 'staff' && button('cross', words.say('card.away'), () => desk.conversation.card('', ''), { class: 'away' }));
    announce(text || (card.value ?? ''));
  };
  return { element, update };
}

/**
 * @param {import('../protocol.js').CardMessage} shown
 * @param {string} text
 * @param {Desk} desk
 * @returns {(Node | false)[]}
 */
function look({ card, value = '', picture }, text, desk) {
  const caption = h('p', { class: 'caption' }, text);
  if (card === 'number') {
    const size = value.length > 12 ? 'long' : value.length > 6 ? 'middle' : 'short';
    return [h('p', { class: 'value', 'data-size': size, dir: 'auto' }, value), text !== '' && text !== value && caption];
  }
  if (card === 'date') return [leaf(value), caption];
  if (card === 'sign') return [icon('sign', 'huge'), caption];
  const office = desk.office?.cards.find(({ id }) => id === card);
  const source = picture ?? office?.picture;
  if (source) return [h('img', { src: source, alt: '' }), caption];
  return [icon(office?.kind === 'map' ? 'map' : 'record', 'huge'), caption];
}

/** A calendar's leaf. @param {string} date  as in 2026-08-18 */
function leaf(date) {
  const [, month = '', day = ''] = date.split('-');
  return h('p', { class: 'leaf', 'aria-hidden': 'true' }, h('span', { class: 'month' }, `${Number(day)}.${Number(month)}.`), h('span', { class: 'day' }, String(Number(day))));
}
