/** One person's half of a running conversation. */

import { remember, remembered } from '../preferences.js';
import { activity } from './activity.js';
import { banners } from './banners.js';
import { handoverCover } from './cover.js';
import { button, h } from './elements.js';
import { lines } from './lines.js';
import { cards } from './panels/cards.js';
import { more } from './panels/more.js';
import { drawer } from './panels/panel.js';
import { phrases } from './panels/phrases.js';
import { chatLine, typing } from './panels/typing.js';
import { shownCard } from './shown-card.js';
import { announcer, spoken } from './table.js';
import { talkButton } from './talk-button.js';

/** @typedef {import('./desk.js').Desk} Desk */
/** @typedef {import('./shapes.js').Side} Side */

const TEXT_SIZES = [1, 1.25, 1.5, 2];

/**
 * @typedef {object} TableActions
 * @property {() => void} onlayout  turn the visitor's half
 * @property {() => void} onend
 * @property {() => Promise<void>} onsheet
 * @property {() => void} onrefresh
 */

/**
 * @param {Desk} desk
 * @param {Side} side
 * @param {HTMLElement} element  the half
 * @param {TableActions} actions
 */
export function conversationHalf(desk, side, element, actions) {
  const { element: status, announce } = announcer();
  const doing = activity(desk, side);
  const news = banners(desk, side, announce);
  const said = lines(desk, side, announce);
  const card = shownCard(desk, side, announce);
  const talk = talkButton(desk, side);
  const cover = handoverCover(desk, side, actions, announce);
  const panel = drawer(side.words);
  const stop = stopButton(desk, side);
  element.append(
    bar(desk, side, doing.element, element, actions, announce),
    news.element,
    h('div', { class: 'middle' }, said.element, card.element),
    h('div', { class: 'controls' }, news.news, cover.asked, desk.apart ? chatLine(desk, side) : talk.element, tools(desk, side, stop, panel, actions)),
    panel.element, cover.element, status,
  );
  const update = () => {
    for (const part of [doing, news, said, card, talk, cover]) part.update();
    stop.disabled = desk.state.activity !== 'speaking';
    said.element.hidden = !card.element.hidden;
    dress(element, side);
  };
  return { update, talk };
}

/**
 * How this person likes the half.
 * @param {HTMLElement} element
 * @param {Side} side
 */
function dress(element, { party }) {
  const captions = remembered(party === 'staff' ? 'staffCaptions' : 'visitorCaptions');
  element.dataset['captions'] = captions ? 'on' : 'off';
  element.style.setProperty('--text', String(remembered(party === 'staff' ? 'staffText' : 'visitorText')));
}

/**
 * @param {Desk} desk
 * @param {Side} side
 * @param {HTMLElement} doing
 * @param {HTMLElement} half
 * @param {TableActions} actions
 * @param {(text: string) => void} announce
 */
function bar(desk, side, doing, half, { onlayout, onend }, announce) {
  const { watching } = desk.conversation;
  const { party, words, name } = side;
  const key = party === 'staff' ? 'staffText' : 'visitorText';
  const larger = () => {
    const place = (TEXT_SIZES.indexOf(remembered(key)) + 1) % TEXT_SIZES.length;
    remember(key, TEXT_SIZES[place] ?? 1);
    dress(half, side);
    desk.changed();
    announce(words.say('bar.text.now', { count: place + 1, of: TEXT_SIZES.length }));
  };
  return h('header', { class: 'bar' },
    h('h2', {}, spoken(name, side)),
    doing,
    h('div', { class: 'actions' },
      button('text', words.say('bar.text'), larger, { class: 'quiet' }),
      party === 'staff' && !watching && !desk.apart && button('turn', words.say('bar.turn'), onlayout, { class: 'quiet' }),
      party === 'staff' && !desk.apart && button('end', words.say(watching ? 'calls.leave' : 'bar.end'), onend, { class: 'quiet leave' })));
}

/** @param {Desk} desk @param {Side} side */
function stopButton(desk, { party, words }) {
  return button('stop', words.say('tool.stop'), () => desk.conversation.stopSpeaking(party), { class: 'tool', 'data-tool': 'stop' });
}

/**
 * @param {Desk} desk
 * @param {Side} side
 * @param {HTMLButtonElement} stop
 * @param {import('./panels/panel.js').Drawer} panel
 * @param {TableActions} actions
 */
function tools(desk, side, stop, panel, { onrefresh }) {
  const { party, words } = side;
  const { conversation, sides } = desk;
  const tool = (/** @type {keyof typeof import('./icons.js').PATHS} */ picture, /** @type {string} */ name, /** @type {(button: HTMLButtonElement) => void} */ act, attributes = {}) => {
    const element = button(picture, words.say(`tool.${name}`), () => act(element), { class: 'tool', 'data-tool': name, ...attributes });
    return element;
  };
  const opening = (/** @type {keyof typeof import('./icons.js').PATHS} */ picture, /** @type {string} */ name, /** @type {() => Node} */ content) =>
    tool(picture, name, (from) => (panel.shows(name) ? panel.close() : panel.open(name, words.say(`panel.${name}`), from, content())), { 'aria-expanded': 'false' });
  const slow = tool('slower', 'slower', (from) => {
    const slower = from.getAttribute('aria-pressed') !== 'true';
    from.setAttribute('aria-pressed', String(slower));
    desk.setSlower(party, slower);
  }, { 'aria-pressed': String(desk.slower[party]) });
  return h('div', { class: 'tools', role: 'group', 'aria-label': words.say('tools.label') },
    stop,
    tool('again', 'again', () => conversation.sayAgain(undefined, party)),
    party === 'visitor' && slow,
    !desk.apart && opening('keyboard', 'type', () => typing(desk, side, panel.close)),
    ...(party === 'staff'
      ? [
          opening('phrases', 'phrases', () => phrases(desk, sides, panel.close)),
          opening('cards', 'cards', () => cards(desk, sides, panel.close)),
          opening('more', 'more', () => more(desk, sides, panel.close, onrefresh)),
        ]
      : [tool('person', 'person', () => conversation.handover('ask'))]));
}
