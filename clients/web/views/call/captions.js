/** What is said, over the picture: the other's words large, one's own small. */

import { doubtOf, marked } from '../doubts.js';
import { fill, h, icon } from '../elements.js';

/** @typedef {import('../../lines.js').Line} Line */
/** @typedef {import('../shapes.js').Party} Party */

const MOST = 2;

/** A caption stays for a while, and for longer the longer it is. */
const STAYS_MS = 6000;
const STAYS_MS_A_LETTER = 70;
const LOOK_MS = 500;

/**
 * @param {import('../desk.js').Desk} desk
 * @param {import('../shapes.js').Side} side
 * @param {Party | null} party  who reads it; null: both languages, as they were said
 */
export function captions({ conversation }, { words }, party) {
  const element = h('div', { class: 'captions', 'aria-hidden': 'true' }); // the lines are read to those who cannot see
  /** @type {Map<number, {text: string, since: number}>} */
  const seen = new Map();
  let shown = '';
  const update = () => {
    const now = performance.now();
    const current = conversation.state.lines.slice(-MOST).filter((line) => {
      const text = said(line, party)?.text ?? '';
      const known = seen.get(line.utterance);
      if (known?.text !== text) seen.set(line.utterance, { text, since: now });
      const since = known?.text === text ? known.since : now;
      return text && (line.spoken === 'speaking' || now - since < STAYS_MS + STAYS_MS_A_LETTER * text.length);
    });
    const key = JSON.stringify(current.map((line) => [line.utterance, said(line, party), line.facts, doubtOf(line)]));
    if (key === shown) return;
    shown = key;
    fill(element, ...current.map((line) => caption(line, party, words)));
  };
  const timer = setInterval(update, LOOK_MS);
  conversation.addEventListener('change', update);
  update();
  return {
    element,
    close() {
      clearInterval(timer);
      conversation.removeEventListener('change', update);
    },
  };
}

/** @param {Line} line @param {Party | null} party */
function said(line, party) {
  return party === null || line.party === party ? line.source : line.target;
}

/** @param {Line} line @param {Party | null} party @param {import('../shapes.js').Catalog} words */
function caption(line, party, words) {
  const text = said(line, party);
  if (!text) return null;
  const own = line.party === party;
  const found = doubtOf(line);
  const doubt = found === 'confirmed' ? null : found;
  return h('p', { class: `caption ${own ? 'own' : 'heard'}`, 'data-doubt': doubt ?? '' },
    h('span', { lang: text.language, dir: 'auto' },
      marked(text.text, text.final ? text.text.length : text.committed, line.facts, text === line.source ? 'source' : 'target')),
    doubt && !own && h('small', {}, icon('warning'), words.say(`doubt.${doubt}`)));
}
