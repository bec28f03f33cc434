/** What is wrong with pictures, devices and this window; what is wrong with the conversation is told on the half. */

import { button, fill, h, icon } from '../elements.js';
import { announcer } from '../table.js';
import { again, deviceTrouble } from './devices.js';

/** @typedef {import('../../video/media.js').Media} Media */
/** @typedef {import('../shapes.js').Catalog} Catalog */
/** @typedef {{code: string, picture: keyof typeof import('../icons.js').PATHS, text: string, act?: Node}} Fault */

/**
 * @param {object} options
 * @param {Media} options.media
 * @param {Catalog} options.words
 * @param {() => Fault[]} [options.more]
 * @param {EventTarget[]} [options.watched]  besides the media, what `more` depends on
 */
export function faultList({ media, words, more = () => [], watched = [] }) {
  const { element: status, announce } = announcer();
  const list = h('ul', { class: 'banners faults', 'aria-label': words.say('banners.label'), hidden: true });
  const element = h('div', { class: 'fault-frame' }, list, status);
  let shown = '';
  const update = () => {
    const found = [...more(), ...devices(media, words)];
    const now = found.map(({ code, text }) => `${code} ${text}`).join('\n');
    if (now === shown) return;
    shown = now;
    fill(list, ...found.map(({ code, picture, text, act }) => h('li', { 'data-code': code }, icon(picture), h('span', {}, text), act)));
    list.hidden = found.length === 0;
    announce(found.map(({ text }) => text).join(' '));
  };
  const all = [media, ...watched];
  for (const each of all) each.addEventListener('change', update);
  update();
  return {
    element,
    update,
    close() {
      for (const each of all) each.removeEventListener('change', update);
    },
  };
}

const PICTURES = /** @type {const} */ ({ microphone: 'mic-off', camera: 'camera-off', speaker: 'voice' });

/** @param {Media} media @param {Catalog} words @returns {Fault[]} */
function devices(media, words) {
  return /** @type {const} */ (['microphone', 'camera', 'speaker'])
    .map((kind) => ({ kind, text: deviceTrouble(media, kind, words) }))
    .filter(({ text }) => text !== '')
    .map(({ kind, text }) => ({ code: kind, picture: PICTURES[kind], text, act: again(media, kind, words, 'quiet bare') }));
}

/**
 * Who looked at another window meanwhile is told that they were seen and heard all the same.
 * @param {Catalog} words
 * @param {() => void} onchange
 */
export function background(words, onchange) {
  let away = false;
  const look = () => {
    if (document.visibilityState === 'hidden') away = true;
    onchange();
  };
  document.addEventListener('visibilitychange', look);
  return {
    /** @returns {Fault[]} */
    faults: () => (away ? [{
      code: 'background', picture: 'eye', text: words.say('call.background'),
      act: button('cross', words.say('close'), () => {
        away = false;
        onchange();
      }, { class: 'quiet bare' }),
    }] : []),
    close: () => document.removeEventListener('visibilitychange', look),
  };
}
