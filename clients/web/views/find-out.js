import { identify } from '../api.js';
import { openMicrophone } from '../capture.js';
import { catalog } from '../i18n.js';
import { button, fill, h, icon } from './elements.js';
import { teller } from './frame.js';
import { qualityBetween, tile } from './languages.js';
import { microphoneTrouble } from './microphone.js';
import { trouble } from './sign-in.js';

/** @typedef {import('./shapes.js').Catalog} Catalog */
/** @typedef {import('./shapes.js').Language} Language */

const RATE = 16000;
const LISTEN_SECONDS = 5;
const PROPOSED = 3;
const LIKELY = 0.05;

/**
 * The visitor speaks, and the page proposes the language. What was said is not kept.
 * @param {object} options
 * @param {Catalog} options.words
 * @param {Language[]} options.languages  that may be proposed
 * @param {Language} options.staff
 * @param {(language: Language) => void} options.onlanguage
 */
export function findOut({ words, languages, staff, onlanguage }) {
  const status = teller();
  const proposals = h('div', { class: 'proposals grid' });
  const meter = h('div', { class: 'meter', hidden: true }, icon('mic'), h('span', { class: 'wave', 'aria-hidden': 'true' }, h('i'), h('i'), h('i'), h('i'), h('i')));
  const element = h('div', { class: 'find-out', hidden: true }, meter, status.element, proposals);
  /** @type {{close(): void} | null} */
  let listening = null;

  const close = () => {
    listening?.close();
    listening = null;
    meter.hidden = true;
  };
  const start = button('mic', words.say('find.start'), async () => {
    if (listening) return;
    element.hidden = false;
    fill(proposals);
    status.tell(words.say('find.listening'));
    try {
      const samples = await listen();
      status.tell(words.say('wait'));
      await propose(await identify(samples));
    } catch (error) {
      status.tell(microphoneTrouble(error, words) || trouble(error, words));
    } finally {
      close();
    }
  }, { class: 'primary speak' });

  /** @returns {Promise<Int16Array>} */
  const listen = () => new Promise((resolve, reject) => {
    const samples = new Int16Array(RATE * LISTEN_SECONDS);
    let filled = 0;
    const onFrame = (/** @type {Int16Array} */ frame) => {
      const part = frame.subarray(0, samples.length - filled);
      samples.set(part, filled);
      filled += part.length;
      if (filled === samples.length) resolve(samples);
    };
    const onLevel = (/** @type {number} */ level) => meter.style.setProperty('--level', String(level));
    openMicrophone({ onFrame, onLevel, onLost: reject }).then((microphone) => {
      listening = microphone;
      meter.hidden = false;
    }, reject);
  });

  /** @param {{candidates: {language: string, probability: number}[]}} answer */
  const propose = async ({ candidates }) => {
    const known = candidates
      .filter(({ probability }, place) => place === 0 || probability >= LIKELY)
      .flatMap(({ language }) => languages.find(({ tag }) => tag === language) ?? [])
      .slice(0, PROPOSED);
    fill(proposals, ...(await Promise.all(known.map(proposal))));
    status.tell(words.say(known.length ? 'find.proposed' : 'find.none'));
    proposals.querySelector('button')?.focus();
  };

  /** @param {Language} language */
  const proposal = async (language) => {
    const own = await catalog(language.tag);
    const quality = qualityBetween(language, staff);
    return h('div', { class: 'proposal' },
      own.language === language.tag && h('p', { lang: own.language, dir: own.direction }, own.say('find.is-it-yours')),
      quality && tile(language, quality, words, () => onlanguage(language)));
  };

  return { button: start, element, close };
}
