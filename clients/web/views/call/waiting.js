/** The waiting room. */

import { button, fill, h, icon } from '../elements.js';
import { choice, heading, mark, page, teller } from '../frame.js';
import { chime } from './chime.js';
import { appeared, showDevices } from './devices.js';
import { faultList } from './faults.js';

/** @typedef {import('../shapes.js').Catalog} Catalog */
/** @typedef {import('../../room.js').Room} Room */
/** @typedef {import('../../video/media.js').Media} Media */

/**
 * @param {object} options
 * @param {Catalog} options.words
 * @param {Room} options.room
 * @param {Media} options.media
 * @param {string} options.news  what happened before; empty for nothing
 * @returns {import('../shapes.js').View}
 */
export function waitingView({ words, room, media, news }) {
  const staff = room.state?.role === 'staff';
  const title = words.say('room.title');
  const picture = h('span', { class: 'waiting-picture' });
  const text = h('p', { class: 'lead', role: 'status' });
  const status = teller();
  let interpreting = room.state?.interpreting ?? 'consecutive';
  const how = choice(words.say('room.how'), [
    ['consecutive', words.say('room.consecutive')],
    ['simultaneous', words.say('room.simultaneous')],
  ], interpreting, (value) => {
    interpreting = value === 'simultaneous' ? value : 'consecutive';
  });
  const admit = h('button', { type: 'button', onclick: () => room.admit(interpreting) });
  const faults = faultList({ media, words });
  const headset = appeared(media, words);
  const element = page(words, 'room', mark(),
    h('div', { class: 'sheet' },
      picture, heading(title),
      h('p', { class: 'when' }, icon('date'), h('span', {}, whenText(room.state, words))),
      news && h('p', { class: 'told' }, icon('info'), h('span', {}, news)),
      text, faults.element, headset.element, staff && how, status.element,
      h('div', { class: 'choices' }, staff && admit, button('settings', words.say('call.devices'), () => showDevices(media, words), { class: 'quiet' }))));
  let shown = '';
  const update = () => {
    const { state } = room;
    if (!state) return;
    const told = what(room, words);
    if (told.state === 'ready' && shown !== 'ready') void chime(media.state.used.speaker);
    shown = told.state;
    text.textContent = told.text;
    view.title = told.state === 'ready' ? `● ${told.text}` : title;
    document.title = `${view.title} – Interpreter`;
    fill(picture, icon(told.picture, 'huge'));
    element.dataset['state'] = told.state;
    // Somebody who is called by telephone never comes in here.
    const word = words.say(told.state === 'ready' ? 'room.admit' : 'room.begin');
    fill(admit, icon('forward', 'directed'), h('span', { class: 'word' }, word));
    admit.className = told.state === 'ready' ? 'primary big' : '';
    admit.hidden = !state.visitor_language || (told.state !== 'waiting' && told.state !== 'ready');
  };
  const refused = () => status.tell(room.refusal ? words.pick(room.refusal.messages) : '');
  room.addEventListener('room', update);
  room.addEventListener('refused', refused);
  const view = {
    element,
    title,
    close() {
      room.removeEventListener('room', update);
      room.removeEventListener('refused', refused);
      faults.close();
      headset.close();
    },
  };
  update();
  return view;
}

/**
 * @param {Room} room
 * @param {Catalog} words
 * @returns {{state: string, text: string, picture: keyof typeof import('../icons.js').PATHS}}
 */
function what(room, words) {
  const { state } = room;
  if (!room.reached) return { state: 'lost', text: words.say('room.lost'), picture: 'offline' };
  if (!state || state.state === 'early') return { state: 'early', text: earlyText(state, words), picture: 'clock' };
  const { present, ready, visitor_language: language } = state;
  if (state.role === 'visitor') {
    return { state: 'waiting', text: words.say(present?.staff ? 'room.staff-there' : 'room.waiting.visitor'), picture: 'clock' };
  }
  if (ready) return { state: 'ready', text: words.say('room.ready', { language: words.nameOf(language ?? '') }), picture: 'person' };
  return { state: 'waiting', text: words.say(present?.visitor ? 'room.present' : 'room.waiting.staff'), picture: 'clock' };
}

/** When the appointment is. @param {import('../../room.js').RoomState | null} state @param {Catalog} words */
export function whenText(state, words) {
  if (!state) return '';
  const start = new Date(state.starts);
  const form = moment(words);
  return state.minutes ? form.formatRange(start, new Date(start.getTime() + 60_000 * state.minutes)) : form.format(start);
}

/** @param {import('../../room.js').RoomState | null} state @param {Catalog} words */
function earlyText(state, words) {
  return state?.opens ? words.say('room.early', { opens: moment(words).format(new Date(state.opens)) }) : '';
}

/** @param {Catalog} words */
function moment({ language }) {
  return new Intl.DateTimeFormat(language, { weekday: 'long', day: 'numeric', month: 'long', hour: 'numeric', minute: '2-digit' });
}
