import { ApiError, signIn } from '../api.js';
import { LANGUAGES } from '../i18n.js';
import { button, h, icon, unique } from './elements.js';
import { choice, heading, mark, page, teller } from './frame.js';

/** @typedef {import('./shapes.js').Catalog} Catalog */

/**
 * Staff open the counter with their key. The key is sent once and not kept.
 * @param {object} options
 * @param {Catalog} options.words
 * @param {string} options.problem  of an invitation that did not work; else empty
 * @param {() => void} options.onsigned
 * @param {(language: string) => void} options.onlanguage
 * @returns {import('./shapes.js').View}
 */
export function signInView({ words, problem, onsigned, onlanguage }) {
  const id = unique('key');
  const status = teller();
  const key = h('input', {
    id, type: 'password', autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false', required: true,
    'aria-describedby': `${id}-hint`,
  });
  const go = h('button', { type: 'submit', class: 'primary big' }, h('span', { class: 'word' }, words.say('sign-in.go')), icon('forward', 'directed'));
  const show = button('eye', words.say('sign-in.show'), () => reveal(key, show), { 'aria-pressed': 'false', class: 'quiet' });
  const form = h(
    'form',
    {
      class: 'sheet',
      onsubmit: async (/** @type {SubmitEvent} */ event) => {
        event.preventDefault();
        go.disabled = true;
        status.tell(words.say('sign-in.wait'));
        const failure = await attempt({ key: key.value.trim() }, words);
        go.disabled = false;
        status.tell(failure);
        key.setAttribute('aria-invalid', String(failure !== ''));
        if (failure) key.select();
        else onsigned();
      },
    },
    heading(words.say('sign-in.title')),
    h('p', { class: 'lead', id: `${id}-hint` }, words.say('sign-in.hint')),
    h('label', { for: id }, words.say('sign-in.key')),
    h('div', { class: 'with-button' }, key, show),
    status.element,
    go,
    h('p', { class: 'aside' }, icon('tablet'), words.say('sign-in.invitation')),
  );
  if (problem) status.tell(problem);
  const languages = choice(
    words.say('page-language'),
    Object.entries(LANGUAGES).map(([tag, name]) => [tag, name, tag]),
    words.language,
    onlanguage,
  );
  return {
    element: page(words, 'sign-in', h('header', { class: 'top' }, mark(), languages), form),
    title: words.say('sign-in.title'),
  };
}

/**
 * @param {HTMLInputElement} key
 * @param {HTMLButtonElement} show
 */
function reveal(key, show) {
  const shown = key.type === 'password';
  key.type = shown ? 'text' : 'password';
  show.setAttribute('aria-pressed', String(shown));
}

/**
 * @param {{key: string} | {invitation: string}} proof
 * @param {Catalog} words
 * @returns {Promise<string>} what went wrong, or nothing
 */
export async function attempt(proof, words) {
  try {
    await signIn(proof);
    return '';
  } catch (error) {
    return trouble(error, words);
  }
}

/**
 * @param {unknown} error
 * @param {Catalog} words
 * @returns {string} in words for the staff
 */
export function trouble(error, words) {
  const code = error instanceof ApiError ? error.code : '';
  return words.say(words.has(`error.${code}`) ? `error.${code}` : 'error.unreachable');
}
