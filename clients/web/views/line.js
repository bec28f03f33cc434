/** One line of the conversation on one half. */

import { button, fill, h, hidden, icon, unique } from './elements.js';
import { comparison, doubtNote, doubtOf, lost, marked } from './doubts.js';
import { turnNote } from './panels/typing.js';
import { spoken } from './table.js';

/** @typedef {import('../conversation.js').Line} Line */
/** @typedef {import('./desk.js').Desk} Desk */
/** @typedef {import('./shapes.js').Side} Side */

/**
 * @param {Desk} desk
 * @param {Side} side  whose half it is on
 */
export function lineView(desk, side) {
  const details = h('div', { class: 'details', id: unique('details'), hidden: true });
  const text = h('button', { type: 'button', class: 'text', dir: side.direction, 'aria-expanded': 'false', 'aria-controls': details.id });
  const remarks = h('div', { class: 'remarks' });
  const element = h('li', { class: 'line' }, text, remarks, details);
  let seen = '';
  /** @type {Line | null} */
  let line = null;
  let editing = false;

  const edit = () => {
    editing = true;
    open(true);
  };
  const open = (/** @type {boolean} */ wanted) => {
    details.hidden = !wanted;
    text.setAttribute('aria-expanded', String(wanted));
    if (!wanted) editing = false;
    if (line && wanted) fill(details, ...(editing ? correction(line) : explanation(line)));
    if (wanted) element.scrollIntoView({ block: 'nearest' });
    details.querySelector('textarea')?.focus();
  };
  text.addEventListener('click', () => open(details.hidden));
  details.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    open(false);
    text.focus();
  });

  /** @param {Line} said */
  const correction = (said) => {
    const id = unique('correct');
    const area = h('textarea', { id, rows: 3, lang: said.source.language, dir: side.direction, maxlength: 2000 });
    area.value = said.source.text;
    const send = () => {
      if (area.value.trim() && area.value.trim() !== said.source.text) desk.conversation.correct(said.utterance, area.value.trim());
      open(false);
      text.focus();
    };
    area.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        send();
      }
    });
    return [
      h('label', { for: id }, side.words.say('line.correct.label')),
      side.party === 'visitor' && !desk.apart && turnNote(side.words),
      area,
      h('div', { class: 'choices' },
        button('send', side.words.say('line.correct.send'), send, { class: 'primary' }),
        button('cross', side.words.say('cancel'), () => open(false))),
    ];
  };

  /** @param {Line} said */
  const explanation = (said) => {
    const own = said.party === side.party;
    return [
      ...(own ? ownDetails(said, side) : heardDetails(said, side)),
      h('div', { class: 'choices' }, actions(said, own).filter(Boolean)),
    ];
  };

  /** @param {Line} said @param {boolean} own */
  const actions = (said, own) => {
    const { words, party } = side;
    const { conversation } = desk;
    return [
      own && button('edit', words.say('line.correct'), edit),
      !own && said.target?.final && button('again', words.say('tool.again'), () => conversation.sayAgain(said.utterance, party)),
      party === 'staff' && !desk.apart && button('swap', words.say('line.swap'), () => conversation.correct(said.utterance, undefined, desk.other(said.party))),
    ];
  };

  /** @param {Line} said @param {boolean} own */
  const remedies = (said, own) => {
    const doubt = doubtOf(said);
    if (!doubt || doubt === 'confirmed') return [];
    const { words, party } = side;
    return [
      party === 'staff' && doubt === 'wrong' && button('check', words.say('line.confirm'), () => desk.conversation.confirm(said.utterance), { class: 'primary' }),
      own && button('edit', words.say('line.correct'), edit),
      !own && !desk.asked.has(said.utterance) && button('again', words.say('line.ask-again'), () => desk.askAgain(said.utterance, party)),
    ];
  };

  /** @param {Line} said @param {boolean} own */
  const remarked = (said, own) => {
    const doubt = doubtOf(said);
    const asked = desk.asked.has(said.utterance);
    return [
      own && said.plain && h('p', { class: 'plainly' }, icon('plain'), h('span', { class: 'label' }, side.words.say('line.plain')), spoken(said.plain, said.source)),
      doubt && doubtNote(doubt, own, side),
      doubt === 'wrong' && lost(said).length > 0 && comparison(said, side),
      asked && h('p', { class: 'asked' }, icon('again'), side.words.say(own ? 'line.please-repeat' : 'line.asked')),
      doubt && h('div', { class: 'choices' }, remedies(said, own).filter(Boolean)),
    ];
  };

  /** @param {Line} said */
  const update = (said) => {
    line = said;
    const own = said.party === side.party;
    const now = signature(said, desk.asked.has(said.utterance));
    if (now === seen) return false;
    seen = now;
    element.className = `line ${own ? 'own' : 'heard'}`;
    element.dataset['utterance'] = String(said.utterance);
    element.dataset['doubt'] = doubtOf(said) ?? '';
    element.dataset['spoken'] = said.spoken;
    fill(text, hidden(side.words.say(own ? 'line.you' : 'line.other')), content(said, own, side), said.spoken === 'speaking' && !own && icon('voice', 'sounding'));
    fill(remarks, ...remarked(said, own));
    if (!details.hidden && !editing) fill(details, ...explanation(said));
    return true;
  };
  return { element, update };
}

/** @param {Line} line @param {boolean} asked */
function signature({ party, source, target, plain, facts, flags, confirmed, back, spoken: sounding, failed }, asked) {
  return JSON.stringify([party, source, target, plain, facts, flags, confirmed, back, sounding, failed, asked]);
}

/**
 * @param {Line} line
 * @param {boolean} own
 * @param {Side} side
 */
function content(line, own, side) {
  const said = own ? line.source : line.target;
  if (!said?.text) {
    const word = side.words.say(line.failed ? 'line.not-interpreted' : 'line.coming');
    return h('span', { class: 'words coming' }, line.failed ? word : [dots(), hidden(word)]);
  }
  const end = own ? 'source' : 'target';
  return h('span', { class: 'words', lang: said.language },
    marked(said.text, said.final ? said.text.length : said.committed, line.facts, end));
}

function dots() {
  return h('span', { class: 'dots', 'aria-hidden': 'true' }, h('i'), h('i'), h('i'));
}

/** @param {Line} line @param {Side} side */
function ownDetails({ target, back }, { words }) {
  return [
    target && detail(words.say('line.translated', { language: words.nameOf(target.language) }), spoken(target.text, target)),
    detail(words.say('line.back'), back ? spoken(back.text, { language: '' }) : h('em', {}, words.say('line.back.none'))),
    back?.doubtful && h('p', { class: 'doubt' }, icon('warning'), h('span', {}, words.say('line.back.doubtful'))),
  ];
}

/** @param {Line} line @param {Side} side */
function heardDetails({ source }, { words }) {
  return [detail(words.say('line.said', { language: words.nameOf(source.language) }), spoken(source.text, source))];
}

/** @param {string} label @param {Node} value */
function detail(label, value) {
  return h('p', { class: 'detail' }, h('span', { class: 'label' }, label), value);
}
