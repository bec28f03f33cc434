/** What holds for now (quality, connection, microphone), and news that passes. */

import { deaf } from '../told.js';
import { button, fill, h, icon } from './elements.js';

/** @typedef {import('./desk.js').Desk} Desk */
/** @typedef {import('./shapes.js').Side} Side */
/** @typedef {keyof typeof import('./icons.js').PATHS} Picture */
/** @typedef {{code: string, picture: Picture, text: string, act?: Node | undefined}} Banner */

/** What stays until the service takes it back. */
const LASTING = ['translation-degraded', 'machine-behind'];

/** Worth saying before anything else is said. */
const AT_FIRST = ['no-voice', 'voice-basic'];

/** Shown where they belong already, or of no use to people. */
const SILENT = ['unsure', 'please-confirm', 'echo-suppressed', 'translation-recovered', 'machine-recovered'];

/**
 * @param {Desk} desk
 * @param {Side} side
 * @param {(text: string) => void} announce
 */
export function banners(desk, side, announce) {
  const { words, party } = side;
  const element = h('ul', { class: 'banners', 'aria-label': words.say('banners.label') });
  const news = h('div', { class: 'news' });
  /** @type {Set<unknown>} */
  const dismissed = new Set();
  let shown = '';
  let told = new Set();

  const update = () => {
    const lasting = [...standing(desk, side), ...notices(LASTING)];
    const passing = notices(null);
    const now = JSON.stringify([...lasting, ...passing].map(({ code, text }) => [code, text]));
    if (now === shown) return;
    shown = now;
    fill(element, ...lasting.map((banner) => h('li', { 'data-code': banner.code }, icon(banner.picture), h('span', {}, banner.text), banner.act)));
    element.hidden = lasting.length === 0;
    fill(news, ...passing.map((banner) => h('p', { 'data-code': banner.code }, icon(banner.picture), h('span', {}, banner.text), banner.act)));
    const current = new Set([...lasting, ...passing].map(({ text }) => text));
    for (const text of current) if (!told.has(text)) announce(text);
    told = current;
  };

  /** @param {string[] | null} codes  null: those that pass */
  const notices = (codes) => desk.state.notices
    .filter((notice) => (codes ? codes.includes(notice.code) : !LASTING.includes(notice.code) && !SILENT.includes(notice.code)))
    .filter((notice) => !dismissed.has(notice) && !(AT_FIRST.includes(notice.code) && desk.state.lines.length > 0))
    .filter((notice) => notice.party === null || notice.party === undefined || notice.party === party)
    .map((notice) => ({
      code: notice.code,
      picture: /** @type {Picture} */ ('info'),
      text: words.pick(notice.messages),
      act: codes ? undefined : button('cross', words.say('close'), () => {
        dismissed.add(notice);
        update();
      }, { class: 'quiet bare' }),
    }))
    .filter(({ text }) => text !== '');
  return { element, news, update };
}

/**
 * @param {Desk} desk
 * @param {Side} side
 * @returns {Banner[]}
 */
function standing(desk, { words, party }) {
  const { connection, handover, parties } = desk.state;
  /** @type {Banner[]} */
  const found = [];
  const add = (/** @type {string} */ code, /** @type {Picture} */ picture, /** @type {string} */ text) => found.push({ code, picture, text });
  if (connection === 'lost') add('lost', 'offline', words.say('connection.lost'));
  if (connection === 'connecting') add('connecting', 'clock', words.say('connection.connecting'));
  if (connection === 'gone' && !desk.state.ended) add('gone', 'offline', words.say('connection.gone'));
  const problem = desk.microphoneProblem(party);
  if (problem) {
    const act = button('again', words.say('microphone.try'), () => void desk.openMicrophone(), { class: 'quiet' });
    found.push({ code: 'microphone', picture: 'mic-off', text: problem, act });
  }
  if (handover?.state === 'active' && !deaf(handover)) {
    const act = party === 'staff' ? button('machine', words.say('handover.end'), () => desk.conversation.handover('end'), { class: 'quiet' }) : undefined;
    found.push({ code: 'interpreter', picture: 'person', text: words.pick(handover.messages), act });
  }
  if (parties && [parties.staff, parties.visitor].some((each) => each?.translation === 'demonstration')) {
    add('demonstration', 'warning', words.say('demonstration'));
  }
  return found;
}
