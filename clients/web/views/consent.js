import { remembered } from '../preferences.js';
import { handoverCover } from './cover.js';
import { button, fill, h, icon } from './elements.js';
import { listenButton } from './listen.js';
import { announcer, table } from './table.js';

/** @typedef {import('./desk.js').Desk} Desk */

/**
 * The visitor reads what a machine will do, and decides. Until yes there is no microphone.
 * @param {object} options
 * @param {Desk} options.desk
 * @param {() => void} options.onyes
 * @param {() => void} options.onend
 * @param {() => void} options.onsheet
 * @returns {import('./shapes.js').View}
 */
export function consentView({ desk, onyes, onend, onsheet }) {
  const { conversation, sides } = desk;
  const { words } = sides.visitor;
  const title = sides.staff.words.say('consent.title.staff');
  const { element, halves } = table(sides, title, remembered('layout'));
  element.classList.add('consent');
  const notice = h('ul', { class: 'notice' });
  const listen = listenButton(words, desk.counter.languages.find(({ tag }) => tag === desk.sides.visitor.language));
  const yes = button('check', words.say('consent.yes'), () => {
    conversation.consent(true, 'visitor');
    onyes();
  }, { class: 'primary big' });
  const choices = h('div', { class: 'choices' },
    yes,
    button('cross', words.say('consent.no'), () => refuse()),
    button('person', words.say('consent.person'), () => conversation.handover('ask')));
  const visitorSays = announcer();
  const staffSays = announcer();
  const visitorCover = handoverCover(desk, sides.visitor, { onsheet }, visitorSays.announce);
  const staffCover = handoverCover(desk, sides.staff, { onsheet }, staffSays.announce);
  const refused = h('p', { class: 'warning', hidden: true }, icon('mic-off'), h('span', {}, words.say('consent.refused')));
  const state = h('p', { class: 'lead' });

  halves.visitor.append(
    h('div', { class: 'reading' },
      h('h2', { lang: words.language }, icon('machine'), words.say('consent.title')),
      notice, listen.element, refused, visitorCover.asked, choices),
    visitorCover.element, visitorSays.element);
  halves.staff.append(
    h('div', { class: 'waiting' }, state, staffCover.asked, h('div', { class: 'choices' }, button('end', sides.staff.words.say('consent.cancel'), onend))),
    staffCover.element, staffSays.element);

  let decided = false;
  const refuse = () => {
    decided = true;
    conversation.consent(false, 'visitor');
    update();
    visitorSays.announce(words.say('consent.refused'));
    staffSays.announce(sides.staff.words.say('consent.refused.staff'));
  };
  let shown = '';
  const update = () => {
    const text = noticeText(desk);
    if (text !== shown) fill(notice, ...sentences(text, words.language).map((sentence) => h('li', {}, sentence)));
    shown = text;
    refused.hidden = !decided;
    fill(state, icon(decided ? 'mic-off' : 'clock'), h('span', {}, sides.staff.words.say(decided ? 'consent.refused.staff' : 'consent.waiting')));
    visitorCover.update();
    staffCover.update();
  };
  conversation.addEventListener('change', update);
  update();
  return {
    element,
    title,
    close() {
      conversation.removeEventListener('change', update);
      listen.close();
    },
  };
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
