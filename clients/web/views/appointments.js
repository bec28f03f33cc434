/** Staff's video appointments: which there are, making one, and giving out its links. */

import { appointment, appointments, makeAppointment, revoke } from '../api.js';
import { catalog } from '../i18n.js';
import { copyButton } from './call/invite.js';
import { button, fill, h, icon, unique } from './elements.js';
import { choice, heading, mark, page, teller } from './frame.js';
import { offered } from './languages.js';
import { trouble } from './sign-in.js';

/** @typedef {import('../api.js').Appointment} Appointment */
/** @typedef {import('./shapes.js').Catalog} Catalog */
/** @typedef {import('./shapes.js').Counter} Counter */
/** @typedef {import('./shapes.js').Language} Language */
/** @typedef {import('./shapes.js').Office} Office */

const LOOK_MS = 5000;
const MINUTES = [15, 30, 45, 60, 90];
const USUAL_MINUTES = 30;
const STEP_MS = 15 * 60_000;

/**
 * @param {object} options
 * @param {Catalog} options.words
 * @param {Counter} options.counter
 * @param {Language} options.staff
 * @param {Office | null} options.office
 * @param {() => void} options.onback
 * @returns {import('./shapes.js').View}
 */
export function appointmentsView({ words, counter, staff, office, onback }) {
  const title = words.say('appointments.title');
  const status = teller();
  const list = h('div', { class: 'appointments-list' });
  let shown = '';
  const look = async () => {
    if (document.visibilityState !== 'visible') return;
    try {
      const all = await appointments();
      status.tell('');
      const now = JSON.stringify(all);
      if (now === shown) return;
      shown = now;
      fill(list, ...(all.length ? days(all, words).map(day) : [h('p', { class: 'nothing' }, icon('info'), words.say('appointments.none'))]));
    } catch (error) {
      status.tell(trouble(error, words));
    }
  };
  const day = (/** @type {{name: string, all: Appointment[]}} */ { name, all }) =>
    h('section', {}, h('h2', {}, name), h('ul', {}, all.map((each) => item(each, words, () => void look()))));
  const form = newAppointment({ words, counter, staff, office, onmade: (made) => {
    void look();
    void showLinks(made, words);
  } });
  const timer = setInterval(look, LOOK_MS);
  void look();
  const element = page(words, 'start appointments',
    h('header', { class: 'top' }, mark(), h('div', { class: 'actions' }, button('back', words.say('back'), onback, { class: 'quiet directed' }))),
    heading(title), form, status.element, list);
  return { element, title, close: () => clearInterval(timer) };
}

/** @param {Appointment[]} all @param {Catalog} words */
function days(all, words) {
  const form = new Intl.DateTimeFormat(words.language, { weekday: 'long', day: 'numeric', month: 'long' });
  /** @type {Map<string, Appointment[]>} */
  const found = new Map();
  for (const each of all) {
    const name = form.format(new Date(each.starts));
    found.set(name, [...(found.get(name) ?? []), each]);
  }
  return [...found].map(([name, list]) => ({ name, all: list }));
}

/** @param {Appointment} each @param {Catalog} words @param {() => void} onchange */
function item(each, words, onchange) {
  const time = new Intl.DateTimeFormat(words.language, { hour: 'numeric', minute: '2-digit' });
  const start = new Date(each.starts);
  const language = each.visitor_language ? words.nameOf(each.visitor_language) : words.say('appointments.unknown');
  const waits = each.present.visitor && each.state !== 'open';
  const gone = each.state === 'over' || each.state === 'revoked';
  return h('li', { 'data-state': each.state, class: waits ? 'waits' : '' },
    h('p', { class: 'what' },
      h('strong', {}, time.formatRange(start, new Date(start.getTime() + 60_000 * each.minutes))),
      h('span', {}, language), h('span', { class: 'number', dir: 'ltr' }, each.id),
      waits && h('span', { class: 'news' }, icon('person'), words.say('appointments.waits')),
      each.state === 'open' && h('span', { class: 'news' }, icon('voice'), words.say('appointments.open')),
      gone && h('span', {}, words.say('room.over'))),
    !gone && h('div', { class: 'choices' },
      h('a', { class: 'button primary', href: each.links.staff, target: '_blank', rel: 'noopener' }, icon('forward', 'directed'), words.say('appointments.enter')),
      button('link', words.say('appointments.links'), () => void showLinks(each, words)),
      button('erase', words.say('appointments.revoke'), () => askToRevoke(each, words, onchange), { class: 'quiet' })));
}

/**
 * @param {object} options
 * @param {Catalog} options.words
 * @param {Counter} options.counter
 * @param {Language} options.staff
 * @param {Office | null} options.office
 * @param {(made: Appointment) => void} options.onmade
 */
function newAppointment({ words, counter, staff, office, onmade }) {
  const [day, time] = [unique('day'), unique('time')];
  const next = new Date(Math.ceil(Date.now() / STEP_MS) * STEP_MS);
  const at = { day: local(next).slice(0, 10), time: local(next).slice(11, 16) };
  const dayField = h('input', { id: day, type: 'date', required: true, value: at.day, min: local(new Date()).slice(0, 10) });
  const timeField = h('input', { id: time, type: 'time', required: true, value: at.time });
  const wishes = { minutes: USUAL_MINUTES, visitor: '', interpreting: 'consecutive' };
  const { often, rest } = offered(counter.languages, staff);
  const status = teller();
  const make = h('button', { type: 'submit', class: 'primary' }, icon('check'), h('span', { class: 'word' }, words.say('appointments.make')));
  const minutes = new Intl.NumberFormat(words.language, { style: 'unit', unit: 'minute', unitDisplay: 'long' });
  return h('form', {
    class: 'sheet new-appointment',
    onsubmit: async (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      make.disabled = true;
      status.tell(words.say('wait'));
      try {
        const made = await makeAppointment({
          starts: new Date(`${dayField.value}T${timeField.value}`).toISOString(),
          minutes: wishes.minutes,
          staff_language: staff.tag,
          visitor_language: wishes.visitor || null,
          office: office?.name ?? '',
          interpreting: wishes.interpreting,
        });
        status.tell('');
        onmade(made);
      } catch (error) {
        status.tell(trouble(error, words));
      }
      make.disabled = false;
    },
  },
    h('h2', {}, words.say('appointments.new')),
    h('div', { class: 'fields' },
      h('div', { class: 'field' }, h('label', { for: day }, words.say('appointments.day')), dayField),
      h('div', { class: 'field' }, h('label', { for: time }, words.say('appointments.time')), timeField),
      choice(words.say('appointments.duration'), MINUTES.map((each) => [String(each), minutes.format(each)]), String(USUAL_MINUTES), (value) => {
        wishes.minutes = Number(value);
      }),
      choice(words.say('appointments.language'), [['', words.say('appointments.unknown')], .../** @type {[string, string][]} */ ([...often, ...rest].map(({ tag }) => [tag, words.nameOf(tag)]))], '', (value) => {
        wishes.visitor = value;
      }),
      choice(words.say('room.how'), [['consecutive', words.say('room.consecutive')], ['simultaneous', words.say('room.simultaneous')]], 'consecutive', (value) => {
        wishes.interpreting = value;
      })),
    status.element, make);
}

/** As fields for date and time want it, in this counter's time zone. @param {Date} moment */
function local(moment) {
  return new Date(moment.getTime() - 60_000 * moment.getTimezoneOffset()).toISOString();
}

/**
 * The visitor's link, and a text to send it with.
 * @param {Appointment} each
 * @param {Catalog} words
 */
async function showLinks(each, words) {
  const theirs = each.visitor_language ? await catalog(each.visitor_language) : words;
  const start = new Date(each.starts);
  const when = (/** @type {Catalog} */ { language }) => new Intl.DateTimeFormat(language, { dateStyle: 'full', timeStyle: 'short' }).format(start);
  const letter = [...new Set([theirs, words])].map((each_) => `${each_.say('appointments.letter', { when: when(each_) })}\n${each.links.visitor}`).join('\n\n');
  const area = h('textarea', { rows: 7, readonly: true, dir: 'auto', 'aria-label': words.say('appointments.letter.label') });
  area.value = letter;
  const code = h('div', { class: 'code' });
  const dialog = h('dialog', { class: 'invitation', lang: words.language, dir: words.direction, 'aria-labelledby': 'links-title', onclose: () => dialog.remove() },
    h('h2', { id: 'links-title' }, words.say('appointments.links')),
    h('p', {}, words.say('appointments.links.hint')),
    area,
    h('div', { class: 'choices' },
      copyButton(words, letter),
      'share' in navigator && button('send', words.say('appointments.share'), () => void navigator.share({ text: letter }).catch(() => undefined)),
      h('a', { class: 'button', href: each.links.visitor, target: '_blank', rel: 'noopener' }, icon('tablet'), words.say('appointments.here'))),
    code,
    button('cross', words.say('close'), () => dialog.close(), { class: 'primary' }));
  document.body.append(dialog);
  dialog.showModal();
  const { qr } = await appointment(each.id).catch(() => ({ qr: '' }));
  if (qr) fill(code, h('img', { src: `data:image/svg+xml,${encodeURIComponent(qr)}`, alt: words.say('invitation.code'), width: 200, height: 200 }));
}

/** @param {Appointment} each @param {Catalog} words @param {() => void} onchange */
function askToRevoke(each, words, onchange) {
  const status = teller();
  const dialog = h('dialog', { class: 'invitation', lang: words.language, dir: words.direction, 'aria-labelledby': 'revoke-title', onclose: () => dialog.remove() },
    h('h2', { id: 'revoke-title' }, words.say('appointments.revoke.ask')),
    h('p', {}, words.say('appointments.revoke.hint')),
    status.element,
    h('div', { class: 'choices' },
      button('erase', words.say('appointments.revoke'), async () => {
        try {
          await revoke(each.id);
          dialog.close();
          onchange();
        } catch (error) {
          status.tell(trouble(error, words));
        }
      }, { class: 'primary' }),
      button('cross', words.say('cancel'), () => dialog.close())));
  document.body.append(dialog);
  dialog.showModal();
}

/**
 * On the start page: the way to the appointments, and whether somebody waits.
 * @param {Catalog} words
 * @param {() => void} onappointments
 */
export function appointmentsDoor(words, onappointments) {
  const news = h('span', { class: 'news', role: 'status' });
  const element = h('p', { class: 'door' }, button('camera', words.say('appointments.title'), onappointments), news);
  let waiting = -1;
  const look = async () => {
    if (document.visibilityState !== 'visible') return;
    const all = await appointments().catch(() => []);
    const now = all.filter(({ present, state }) => present.visitor && state !== 'open').length;
    if (now === waiting) return;
    waiting = now;
    fill(news, ...(now ? [icon('person'), words.say('appointments.waits')] : []));
  };
  const timer = setInterval(look, LOOK_MS);
  void look();
  return { element, close: () => clearInterval(timer) };
}
