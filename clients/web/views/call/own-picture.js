/** One's own picture over the large ones: it can be moved out of the way, and hidden. */

import { button, fill, h, icon } from '../elements.js';
import { selfPicture } from './lobby.js';

/** Clockwise from where it lies at first, at the end of the line above. */
const CORNERS = /** @type {const} */ (['above-end', 'below-end', 'below-start', 'above-start']);

/**
 * @param {import('../../video/media.js').Media} media
 * @param {import('../shapes.js').Catalog} words
 */
export function ownPicture(media, words) {
  const self = selfPicture(media).element;
  let place = 0;
  let hidden = false;
  const settle = (/** @type {number} */ corner) => {
    place = corner;
    element.dataset['corner'] = CORNERS[place];
    element.style.translate = '';
  };
  const move = button('turn', words.say('call.move'), () => settle((place + 1) % CORNERS.length), { class: 'quiet bare' });
  const hide = button('eye', words.say('call.self'), () => {
    hidden = !hidden;
    element.classList.toggle('folded', hidden);
    hide.setAttribute('aria-pressed', String(hidden));
    fill(hide, icon(hidden ? 'camera' : 'eye'), h('span', { class: 'word' }, words.say('call.self')));
  }, { class: 'quiet bare', 'aria-pressed': 'false' });
  const element = h('div', { class: 'own-picture' }, self, h('div', { class: 'own-tools' }, move, hide));
  settle(0);
  drag(element, () => settle(nearest(element)));
  return {
    element,
    update() {
      element.hidden = media.state.camera !== 'on';
    },
  };
}

/**
 * With a finger or a mouse.
 * @param {HTMLElement} element
 * @param {() => void} ondrop
 */
function drag(element, ondrop) {
  /** @type {{x: number, y: number} | null} */
  let from = null;
  element.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || (event.target instanceof Element && event.target.closest('button'))) return;
    from = { x: event.clientX, y: event.clientY };
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener('pointermove', (event) => {
    if (from) element.style.translate = `${event.clientX - from.x}px ${event.clientY - from.y}px`;
  });
  for (const end of ['pointerup', 'pointercancel']) {
    element.addEventListener(end, () => {
      if (!from) return;
      from = null;
      ondrop();
    });
  }
}

/** The corner it was dropped closest to. @param {HTMLElement} element */
function nearest(element) {
  const mine = element.getBoundingClientRect();
  const all = element.parentElement?.getBoundingClientRect() ?? mine;
  const below = mine.top + mine.height / 2 > all.top + all.height / 2;
  const right = mine.left + mine.width / 2 > all.left + all.width / 2;
  const end = right === (getComputedStyle(element).direction === 'ltr');
  return CORNERS.indexOf(`${below ? 'below' : 'above'}-${end ? 'end' : 'start'}`);
}
