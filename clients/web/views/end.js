import { remembered } from '../preferences.js';
import { button, fill, h, icon } from './elements.js';
import { teller } from './frame.js';
import { printRecord, saveRecord } from './record.js';
import { trouble } from './sign-in.js';
import { announcer, table } from './table.js';

/** @typedef {import('./desk.js').Desk} Desk */
/** @typedef {import('./shapes.js').Party} Party */

/** @type {Party[]} */
const PARTIES = ['visitor', 'staff'];

/**
 * @typedef {object} EndActions
 * @property {import('./shapes.js').Opened} opened
 * @property {() => void} onback
 * @property {() => Promise<void>} onerase  ends the conversation; everything of it is gone
 */

/**
 * The end: a record if both want one, otherwise everything is erased at once.
 * @param {EndActions & {desk: Desk}} options
 * @returns {import('./shapes.js').View}
 */
export function endView({ desk, ...actions }) {
  const title = desk.sides.staff.words.say('end.title');
  const { element, halves } = table(desk.sides, title, remembered('layout'));
  element.classList.add('end');
  const status = teller();
  const questions = PARTIES.map((party) => recordQuestion(desk, party, halves[party], status, actions));
  const update = () => {
    for (const question of questions) question.update();
  };
  desk.conversation.addEventListener('change', update);
  update();
  return { element, title, close: () => desk.conversation.removeEventListener('change', update) };
}

/**
 * Whether this person wants a record, on their half.
 * @param {Desk} desk
 * @param {Party} party
 * @param {HTMLElement} half
 * @param {ReturnType<typeof teller>} status  where staff are told how it goes
 * @param {EndActions} actions
 */
export function recordQuestion(desk, party, half, status, { opened, onback, onerase }) {
  const { sides, conversation } = desk;
  const { words } = sides[party];
  const staff = party === 'staff';
  const body = h('div', { class: 'question' });
  const { element: says, announce } = announcer();
  half.append(body, says);

  const erase = async () => {
    status.tell(sides.staff.words.say('end.erasing'));
    try {
      await onerase();
    } catch (error) {
      status.tell(`${sides.staff.words.say('end.not-erased')} ${trouble(error, sides.staff.words)}`);
    }
  };
  const answer = (/** @type {boolean} */ agreed) => {
    conversation.agreeToRecord(agreed, party);
    if (!agreed) void erase();
  };
  const run = (/** @type {() => Promise<void>} */ act) => async () => {
    try {
      await act();
    } catch (error) {
      status.tell(trouble(error, sides.staff.words));
    }
  };

  const question = () => [
    h('h2', {}, icon('record'), words.say('end.record')),
    h('p', { class: 'lead' }, words.say('end.record.hint')),
    h('div', { class: 'choices' },
      button('check', words.say('end.yes'), () => answer(true), { class: staff ? '' : 'primary' }),
      button('erase', words.say(`end.no.${party}`), () => answer(false), { class: staff ? 'primary' : '' })),
    staff && [status.element, button('back', words.say('end.back'), onback, { class: 'quiet directed' })],
  ];
  const waiting = () => [
    h('h2', {}, icon('clock'), words.say('end.waiting')),
    staff && h('div', { class: 'choices' }, button('erase', words.say('end.no.staff'), () => answer(false))),
    staff && status.element,
  ];
  const refused = () => [h('h2', {}, icon('shield'), words.say('end.erasing'))];
  const agreed = () => {
    if (!staff) return [h('h2', {}, icon('record'), words.say('end.agreed.visitor'))];
    return [
      h('h2', {}, icon('record'), words.say('end.agreed.staff')),
      h('div', { class: 'choices' },
        button('print', words.say('end.print'), run(() => printRecord(opened, 'record'))),
        button('save', words.say('end.save'), run(() => saveRecord(opened, fileName(words))))),
      status.element,
      button('erase', words.say('end.finish'), erase, { class: 'primary' }),
    ];
  };

  let shown = '';
  const update = () => {
    const answers = desk.state.agreed.record;
    const now = JSON.stringify(answers);
    if (now === shown) return;
    shown = now;
    const asked = !staff && answers.visitor === false ? refused : question;
    const look = answers.staff && answers.visitor ? agreed : answers[party] ? waiting : asked;
    const before = body.contains(document.activeElement);
    fill(body, ...look().flat());
    if (before) body.querySelector('button')?.focus();
    if (look !== question) announce(body.querySelector('h2')?.textContent ?? '');
  };
  return { update };
}

/** @param {import('./shapes.js').Catalog} words */
function fileName(words) {
  const day = new Date().toISOString().slice(0, 10);
  return `${words.say('end.file')}-${day}.txt`;
}

/**
 * What is left of the conversation: nothing.
 * @param {object} options
 * @param {import('./table.js').Sides} options.sides
 * @param {Record<string, string> | null} options.messages  why the service ended it, by language
 * @param {() => void} options.onnext
 * @returns {import('./shapes.js').View}
 */
export function erasedView({ sides, messages, onnext }) {
  const title = sides.staff.words.say('erased.title');
  const { element, halves } = table(sides, title, remembered('layout'));
  element.classList.add('end', 'erased');
  for (const party of PARTIES) {
    const { words } = sides[party];
    const reason = messages ? words.pick(messages) : '';
    halves[party].append(h('div', { class: 'question' },
      icon('shield', 'huge'),
      h('h2', {}, words.say('erased.title')),
      h('p', { class: 'lead' }, words.say('erased.text')),
      reason && h('p', {}, reason),
      party === 'visitor'
        ? h('p', { class: 'goodbye' }, words.say('erased.goodbye'))
        : button('forward', words.say('erased.next'), onnext, { class: 'primary big directed' })));
  }
  return { element, title };
}
