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
 * The end: a record if both want one, otherwise everything is erased at once.
 * @param {object} options
 * @param {Desk} options.desk
 * @param {import('./shapes.js').Opened} options.opened
 * @param {() => void} options.onback
 * @param {() => Promise<void>} options.onerase  ends the conversation; everything of it is gone
 * @returns {import('./shapes.js').View}
 */
export function endView({ desk, opened, onback, onerase }) {
  const { sides, conversation } = desk;
  const title = sides.staff.words.say('end.title');
  const { element, halves } = table(sides, title, remembered('layout'));
  element.classList.add('end');
  const status = teller();
  const bodies = { visitor: h('div', { class: 'question' }), staff: h('div', { class: 'question' }) };
  const says = { visitor: announcer(), staff: announcer() };
  for (const party of PARTIES) halves[party].append(bodies[party], says[party].element);

  const erase = async () => {
    status.tell(sides.staff.words.say('end.erasing'));
    try {
      await onerase();
    } catch (error) {
      status.tell(`${sides.staff.words.say('end.not-erased')} ${trouble(error, sides.staff.words)}`);
    }
  };
  const answer = (/** @type {Party} */ party, /** @type {boolean} */ agreed) => {
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

  const question = (/** @type {Party} */ party) => {
    const { words } = sides[party];
    return [
      h('h2', {}, icon('record'), words.say('end.record')),
      h('p', { class: 'lead' }, words.say('end.record.hint')),
      h('div', { class: 'choices' },
        button('check', words.say('end.yes'), () => answer(party, true), { class: party === 'visitor' ? 'primary' : '' }),
        button('erase', words.say(`end.no.${party}`), () => answer(party, false), { class: party === 'staff' ? 'primary' : '' })),
      party === 'staff' && [status.element, button('back', words.say('end.back'), onback, { class: 'quiet directed' })],
    ];
  };
  const waiting = (/** @type {Party} */ party) => {
    const { words } = sides[party];
    return [
      h('h2', {}, icon('clock'), words.say('end.waiting')),
      party === 'staff' && h('div', { class: 'choices' }, button('erase', words.say('end.no.staff'), () => answer('staff', false))),
      party === 'staff' && status.element,
    ];
  };
  const agreed = (/** @type {Party} */ party) => {
    const { words } = sides[party];
    if (party === 'visitor') return [h('h2', {}, icon('record'), words.say('end.agreed.visitor'))];
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
    for (const party of PARTIES) {
      const look = answers.staff && answers.visitor ? agreed : answers[party] ? waiting : question;
      const before = bodies[party].contains(document.activeElement);
      fill(bodies[party], ...look(party).flat());
      const heading = bodies[party].querySelector('h2');
      if (before) bodies[party].querySelector('button')?.focus();
      if (look !== question) says[party].announce(heading?.textContent ?? '');
    }
  };
  conversation.addEventListener('change', update);
  update();
  return { element, title, close: () => conversation.removeEventListener('change', update) };
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
