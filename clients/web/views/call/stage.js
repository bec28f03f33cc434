/** The pictures of a call: everybody else large, oneself small, and what is wrong with any of them. */

import { button, fill, h, icon } from '../elements.js';
import { ownPicture } from './own-picture.js';
import { tile } from './tile.js';

/** @typedef {import('../../video/call.js').Call} Call */
/** @typedef {import('../../video/media.js').Media} Media */
/** @typedef {import('../desk.js').Desk} Desk */
/** @typedef {import('../shapes.js').Catalog} Catalog */

/**
 * @param {object} options
 * @param {Desk} options.desk
 * @param {Call} options.call
 * @param {Media} options.media
 * @param {import('../shapes.js').Side} options.side
 * @param {HTMLElement} options.captions
 * @param {() => void} options.onback  the pictures are wanted back from their small window
 */
export function stage({ desk, call, media, side, captions, onback }) {
  const { words } = side;
  const others = h('div', { class: 'others' });
  const alone = h('p', { class: 'alone', role: 'status' });
  const own = ownPicture(media, words);
  const pictures = h('div', { class: 'pictures' }, others, alone, captions);
  const elsewhere = h('p', { class: 'elsewhere' }, icon('small', 'huge'), h('span', {}, words.say('call.small.out')),
    button('back', words.say('call.small.back'), onback, { class: 'directed' }));
  const element = h('div', { class: 'stage' }, elsewhere, pictures, own.element);
  /** @type {Map<string, ReturnType<typeof tile>>} */
  const tiles = new Map();
  let met = false;
  let shown = '';
  const update = () => {
    const { peers } = call.state;
    met ||= desk.state.parties?.[desk.other(side.party)].connected ?? false;
    const reason = peers.length ? '' : absence(desk, side, met);
    if (reason !== shown) fill(alone, ...(reason ? [icon('person', 'huge'), h('span', {}, words.say(reason))] : []));
    shown = reason;
    alone.hidden = !reason;
    others.dataset['number'] = String(peers.length);
    for (const [name, each] of tiles) {
      if (peers.some(({ connection }) => connection === name)) continue;
      each.close();
      tiles.delete(name);
    }
    for (const peer of peers) {
      const known = tiles.get(peer.connection) ?? tile(words);
      if (!tiles.has(peer.connection)) others.append(known.element);
      tiles.set(peer.connection, known);
      known.update(peer);
    }
    own.update();
  };
  const watched = [call, media, desk.conversation];
  for (const each of watched) each.addEventListener('change', update);
  update();
  return {
    element,
    pictures,
    /** The largest picture, for browsers that can only float that. @returns {HTMLVideoElement | null} */
    video: () => others.querySelector('video:not([hidden])'),
    close() {
      for (const each of watched) each.removeEventListener('change', update);
      for (const each of tiles.values()) each.close();
    },
  };
}

/**
 * Why there is nobody to be seen.
 * @param {Desk} desk
 * @param {import('../shapes.js').Side} side
 * @param {boolean} met  the other person has been there
 */
function absence(desk, { party }, met) {
  const other = desk.other(party);
  if (desk.state.parties?.[other].connected) return 'call.elsewhere';
  return met ? `call.gone.${other}` : 'call.alone';
}
