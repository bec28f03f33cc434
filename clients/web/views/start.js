import { remember, remembered } from '../preferences.js';
import { bare } from '../i18n.js';
import { appointmentsDoor } from './appointments.js';
import { callsList } from './calls.js';
import { button, h } from './elements.js';
import { findOut } from './find-out.js';
import { choice, heading, mark, page } from './frame.js';
import { showInvitation } from './invitation.js';
import { languageList } from './language-list.js';
import { offered, qualityBetween } from './languages.js';

/** @typedef {import('./shapes.js').Catalog} Catalog */
/** @typedef {import('./shapes.js').Counter} Counter */
/** @typedef {import('./shapes.js').Language} Language */
/** @typedef {import('./shapes.js').Office} Office */

/** For the visitor, who may not read the staff's language: "language", in the most likely ones. */
const LANGUAGE = [
  ['de', 'Sprache'], ['en', 'Language'], ['fr', 'Langue'], ['es', 'Idioma'], ['tr', 'Dil'], ['uk', 'Мова'],
  ['ru', 'Язык'], ['ar', 'اللغة'], ['fa', 'زبان'], ['pl', 'Język'], ['ro', 'Limbă'], ['vi', 'Ngôn ngữ'], ['zh', '语言'],
];

/**
 * The office, and the visitor's language.
 * @param {object} options
 * @param {Catalog} options.words
 * @param {Counter} options.counter
 * @param {Language} options.staff  language of the staff
 * @param {Office | null} options.office
 * @param {(language: Language) => void} options.onlanguage  the visitor's
 * @param {(language: string, office: string) => void} options.onchange  staff chose another office or language
 * @param {(call: import('../api.js').Call) => void} options.onfollow
 * @param {() => void} options.onappointments
 * @param {() => void} options.onleave
 * @returns {import('./shapes.js').View}
 */
export function startView({ words, counter, staff, office, onlanguage, onchange, onfollow, onappointments, onleave }) {
  const { often, rest } = offered(counter.languages, staff);
  const list = languageList({
    words, title: words.say('start.often'), first: often, rest, quality: (language) => qualityBetween(language, staff), onlanguage,
  });
  const speak = findOut({ words, languages: [...often, ...rest], staff, onlanguage });
  const going = callsList(words, onfollow);
  const door = appointmentsDoor(words, onappointments);
  const element = page(
    words, 'start',
    top({ words, counter, staff, office, onchange, onleave, turn: () => element.classList.toggle('turned') }),
    h('div', { class: 'ask' },
      heading(words.say('start.title')),
      h('p', { class: 'many' }, LANGUAGE.filter(([tag]) => tag !== words.language).map(([tag, word]) => h('span', { lang: tag, dir: 'auto' }, word)))),
    h('div', { class: 'ways' }, list.search, counter.languages.some((language) => language.heard) && speak.button),
    speak.element, door.element, going.element, list.found, list.results,
  );
  const close = () => {
    speak.close();
    going.close();
    door.close();
  };
  return { element, title: words.say('start.title'), close };
}

/**
 * @param {object} options
 * @param {Catalog} options.words
 * @param {Counter} options.counter
 * @param {Language} options.staff
 * @param {Office | null} options.office
 * @param {(language: string, office: string) => void} options.onchange
 * @param {() => void} options.onleave
 * @param {() => void} options.turn
 */
function top({ words, counter, staff, office, onchange, onleave, turn }) {
  /** @type {[string, string, string?][]} */
  const offices = counter.offices.filter(({ name }) => name).map(({ name, title }) => [name, words.pick(title) || name]);
  /** @type {[string, string, string?][]} */
  const languages = counter.languages.map(({ tag, name }) => [tag, name, tag]);
  return h('header', { class: 'top' },
    mark(),
    h('div', { class: 'settings' },
      offices.length > 0 && choice(words.say('start.office'), offices, office?.name ?? '', (name) => {
        remember('office', name);
        const chosen = counter.offices.find((each) => each.name === name);
        onchange(bare(chosen?.language ?? staff.tag), name);
      }),
      choice(words.say('start.staff-language'), languages, staff.tag, (language) => {
        remember('language', language);
        onchange(language, office?.name ?? remembered('office'));
      })),
    h('div', { class: 'actions' },
      button('turn', words.say('start.turn'), turn, { class: 'quiet' }),
      button('tablet', words.say('start.invite'), () => showInvitation(words), { class: 'quiet' }),
      button('end', words.say('start.leave'), onleave, { class: 'quiet' })));
}
