import { remembered } from '../preferences.js';
import { handoverCover } from './cover.js';
import { button, fill, h, icon } from './elements.js';
import { listenButton } from './listen.js';
import { announcer, table } from './table.js';

/** @typedef {import('./desk.js').Desk} Desk */

/**
 * @typedef {object} ConsentActions
 * @property {() => void} onyes  the visitor agrees
 * @property {() => void} onend  staff give it up
 * @property {() => Promise<void>} onsheet
 */

/**
 * The visitor reads what a machine will do, and decides. Until yes there is no microphone.
 * @param {ConsentActions & {desk: Desk}} options
 * @returns {import('./shapes.js').View}
 */
export function consentView({ desk, ...actions }) {
  const title = desk.sides.staff.words.say('consent.title.staff');
  const { element, halves } = table(desk.sides, title, remembered('layout'));
  element.classList.add('consent');
  const question = consentQuestion(desk, halves.visitor, actions);
  const waiting = consentAwaited(desk, halves.staff, actions);
  const update = () => {
    question.update();
    waiting.update();
  };
  desk.conversation.addEventListener('change', update);
  update();
  return {
    element,
    title,
    close() {
      desk.conversation.removeEventListener('change', update);
      question.close();
    },
  };
}

/**
 * The question, on the visitor's half.
 * @param {Desk} desk
 * @param {HTMLElement} half
 * @param {Pick<ConsentActions, 'onyes' | 'onsheet'>} actions
 */
export function consentQuestion(desk, half, { onyes, onsheet }) {
  const { conversation, sides } = desk;
  const { words, language } = sides.visitor;
  const { element: status, announce } = announcer();
  const notice = h('ul', { class: 'notice' });
  const listen = listenButton(words, desk.counter.languages.find(({ tag }) => tag === language));
  const cover = handoverCover(desk, sides.visitor, { onsheet }, announce);
  const refused = h('p', { class: 'warning', hidden: true }, icon('mic-off'), h('span', {}, words.say('consent.refused')));
  const agree = () => {
    conversation.consent(true, 'visitor');
    onyes();
  };
  const refuse = () => {
    conversation.consent(false, 'visitor');
    announce(words.say('consent.refused'));
  };
  half.append(
    h('div', { class: 'reading' },
      h('h2', { lang: words.language }, icon('machine'), words.say('consent.title')),
      notice, listen.element, refused, cover.asked,
      h('div', { class: 'choices' },
        button('check', words.say('consent.yes'), agree, { class: 'primary big' }),
        button('cross', words.say('consent.no'), refuse),
        button('person', words.say('consent.person'), () => conversation.handover('ask')))),
    cover.element, status);

  let shown = '';
  const update = () => {
    const text = noticeText(desk);
    if (text !== shown) fill(notice, ...sentences(text, words.language).map((sentence) => h('li', {}, sentence)));
    shown = text;
    refused.hidden = desk.state.agreed.consent.visitor !== false;
    cover.update();
  };
  return { update, close: listen.close };
}

/**
 * Staff wait for the answer.
 * @param {Desk} desk
 * @param {HTMLElement} half
 * @param {Pick<ConsentActions, 'onend' | 'onsheet'>} actions
 */
export function consentAwaited(desk, half, { onend, onsheet }) {
  const { words } = desk.sides.staff;
  const { element: status, announce } = announcer();
  const cover = handoverCover(desk, desk.sides.staff, { onsheet }, announce);
  const state = h('p', { class: 'lead' });
  half.append(
    h('div', { class: 'waiting' }, state, cover.asked, h('div', { class: 'choices' }, button('end', words.say('consent.cancel'), onend))),
    cover.element, status);
  /** @type {boolean | null} */
  let shown = null;
  const update = () => {
    const refused = desk.state.agreed.consent.visitor === false;
    if (refused !== shown) fill(state, icon(refused ? 'mic-off' : 'clock'), h('span', {}, words.say(refused ? 'consent.refused.staff' : 'consent.waiting')));
    if (refused && !shown) announce(words.say('consent.refused.staff'));
    shown = refused;
    cover.update();
  };
  return { update };
}

/** What the service says of itself, or the page's own words until it has. @param {Desk} desk */
function noticeText({ state, sides }) {
  return sides.visitor.words.pick(state.notice ?? {}) || sides.visitor.words.say('consent.notice');
}

/** @param {string} text @param {string} language */
function sentences(text, language) {
  const parts = [...new Intl.Segmenter(language, { granularity: 'sentence' }).segment(text)];
  return parts.map(({ segment }) => segment.trim()).filter(Boolean);
}
