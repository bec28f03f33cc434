/** The call: pictures with captions beside one's half of the conversation. */

import { remembered } from '../../preferences.js';
import { keepAwake } from '../awake.js';
import { fill, h } from '../elements.js';
import { conversationHalf } from '../half.js';
import { captions } from './captions.js';
import { appeared, showDevices } from './devices.js';
import { background, faultList } from './faults.js';
import { floating } from './floating.js';
import { showGuestInvitation } from './invite.js';
import { canPhone, showPhone } from './phone.js';
import { stage } from './stage.js';
import { callTools } from './tools.js';

/** @typedef {import('../desk.js').Desk} Desk */
/** @typedef {import('../../video/call.js').Call} Call */
/** @typedef {import('../../video/media.js').Media} Media */
/** @typedef {import('../shapes.js').Side} Side */

/**
 * What fills the half beside the pictures.
 * @typedef {(half: HTMLElement) => {update: () => void, close?: () => void}} Content
 */

/**
 * @param {object} options
 * @param {Desk} options.desk
 * @param {Call} options.call
 * @param {Media} options.media
 * @param {Side} options.side  whose page it is
 * @param {import('../shapes.js').Opened} options.opened
 * @param {() => void} options.onend
 * @returns {import('../shapes.js').View & {fill: (name: string, content: Content) => void}}
 */
export function callView({ desk, call, media, side, opened, onend }) {
  const { conversation } = desk;
  const { words, party } = side;
  const { role } = conversation.state;
  const interprets = role === 'interpreter';
  const title = words.say('conversation.title', { language: desk.sides[desk.other(party)].name });
  const written = captions(desk, side, interprets ? null : party);
  const seen = stage({ desk, call, media, side, captions: written.element, onback: () => float.back() });
  const float = floating(() => seen.pictures, seen.video);
  const faults = callFaults(desk, call, media, side, interprets);
  const headset = appeared(media, words);
  const tools = callTools({
    call, media, words,
    leave: words.say(role === 'staff' ? 'bar.end' : 'call.leave'),
    onsmall: () => void float.toggle(),
    ondevices: () => showDevices(media, words),
    oninvite: role === 'staff' ? () => showGuestInvitation(words, opened) : null,
    onleave: onend,
  });
  if (role === 'staff') void canPhone(opened).then((can) => can && tools.addPhone(() => showPhone(words, opened)));
  const awake = keepAwake();
  const beside = h('div', { class: 'beside' });
  const element = h('div', { class: `call ${interprets ? 'no-half' : ''}`, lang: words.language, dir: words.direction },
    h('h1', { class: 'unseen', tabindex: -1, 'data-focus': true }, title),
    h('section', { class: 'picture-side', 'aria-label': words.say('call.pictures') }, seen.element, faults.element, headset.element, tools.element),
    beside);
  let name = '';
  /** @type {ReturnType<Content> | null} */
  let content = null;
  const update = () => {
    element.style.setProperty('--text', String(remembered(party === 'staff' ? 'staffText' : 'visitorText')));
    content?.update();
  };
  conversation.addEventListener('change', update);
  desk.addEventListener('change', update);
  update();
  return {
    element,
    title,
    fill(wanted, make) {
      if (wanted === name || interprets) return;
      name = wanted;
      content?.close?.();
      const half = h('section', { class: `half ${party}`, 'data-party': party, 'aria-label': words.say(`half.${party}`, { language: side.name }) });
      beside.dataset['content'] = wanted;
      fill(beside, half);
      content = make(half);
      content.update();
    },
    close() {
      conversation.removeEventListener('change', update);
      desk.removeEventListener('change', update);
      content?.close?.();
      awake();
      for (const part of [written, seen, faults, headset, float, tools]) part.close();
    },
  };
}

/**
 * One's half of the conversation, as at the counter.
 * @param {Desk} desk
 * @param {Side} side
 * @param {{onend: () => void, onsheet: () => Promise<void>}} actions
 * @returns {Content}
 */
export function talking(desk, side, { onend, onsheet }) {
  return (half) => {
    const parts = conversationHalf(desk, side, half, { onend, onsheet, onlayout() {}, onrefresh: () => parts.update() });
    return parts;
  };
}

/**
 * @param {Desk} desk
 * @param {Call} call
 * @param {Media} media
 * @param {Side} side
 * @param {boolean} interprets  a person, who has no half to be told on
 */
function callFaults(desk, call, media, { words }, interprets) {
  const { conversation } = desk;
  const more = () => {
    const { connection, agreed, handover } = conversation.state;
    // The half tells it once people talk.
    const cut = connection === 'lost' && (interprets || !agreed.consent.visitor);
    /** @type {(import('./faults.js').Fault | false)[]} */
    const found = [
      cut && { code: 'lost', picture: 'offline', text: words.say('connection.lost') },
      call.state.narrow && { code: 'narrow', picture: 'camera-off', text: words.say('call.narrow.own') },
      interprets && { code: 'interprets', picture: 'person', text: words.say(handover?.state === 'active' ? 'call.interprets' : 'call.interprets.not') },
      ...looked.faults(),
    ];
    return found.filter((fault) => fault !== false);
  };
  const looked = background(words, () => list.update());
  const list = faultList({ media, words, more, watched: [call, conversation] });
  return {
    element: list.element,
    close() {
      looked.close();
      list.close();
    },
  };
}
