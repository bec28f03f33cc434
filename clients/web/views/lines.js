import { button, h } from './elements.js';
import { doubtOf } from './doubts.js';
import { lineView } from './line.js';

/** @typedef {import('./desk.js').Desk} Desk */
/** @typedef {import('./shapes.js').Side} Side */

/** Whoever is this close to the end, in CSS pixels, is kept at the end. */
const NEAR = 60;

/**
 * What has been said, as one person reads it, the newest last.
 * @param {Desk} desk
 * @param {Side} side
 * @param {(text: string, language?: string) => void} announce
 */
export function lines(desk, side, announce) {
  const { words, party } = side;
  const list = h('ol', {});
  const empty = h('p', { class: 'empty' }, words.say(`lines.empty.${party}`));
  const scroller = h('div', { class: 'lines', role: 'region', tabindex: 0, 'aria-label': words.say('lines.label') }, empty, list);
  const newest = button('forward', words.say('lines.newest'), () => toEnd(), { class: 'newest', hidden: true });
  const element = h('div', { class: 'lines-frame' }, scroller, newest);
  /** @type {Map<number, ReturnType<typeof lineView>>} */
  const views = new Map();
  /** @type {Set<string>} what a screen reader has said */
  const told = new Set();
  let atEnd = true;

  const toEnd = () => {
    scroller.scrollTop = scroller.scrollHeight;
  };
  scroller.addEventListener('scroll', () => {
    atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR;
    if (atEnd) newest.hidden = true;
  }, { passive: true });
  // Text size, turning the tablet and opening a keyboard change what fits.
  new ResizeObserver(() => atEnd && toEnd()).observe(scroller);

  const update = () => {
    const all = desk.state.lines;
    let changed = false;
    for (const line of all) {
      const view = views.get(line.utterance) ?? add(line.utterance);
      changed = view.update(line) || changed;
      tell(line);
    }
    for (const [utterance, view] of views) {
      if (all.some((line) => line.utterance === utterance)) continue;
      view.element.remove();
      views.delete(utterance);
    }
    empty.hidden = all.length > 0;
    if (changed && atEnd) toEnd();
    else if (changed) newest.hidden = false;
  };

  /** @param {number} utterance */
  const add = (utterance) => {
    const view = lineView(desk, side);
    views.set(utterance, view);
    list.append(view.element);
    return view;
  };

  /** @param {import('../conversation.js').Line} line */
  const tell = (line) => {
    const doubt = doubtOf(line);
    const heard = line.party !== party && line.target?.final ? line.target : null;
    const key = `${line.utterance} ${heard?.text ?? ''} ${doubt ?? ''}`;
    if (told.has(key) || !(heard || doubt)) return;
    told.add(key);
    const note = doubt && words.say(line.party === party ? `doubt.${doubt}.own` : `doubt.${doubt}`);
    if (heard) announce(note ? `${note} ${heard.text}` : heard.text, heard.language);
    else if (note) announce(note);
  };
  return { element, update };
}
