/** What one can do with picture and sound: buttons with a picture and a word, under the pictures. */

import { remember } from '../../preferences.js';
import { button, fill, h, icon, unique } from '../elements.js';
import { canFloat } from './floating.js';

/** @typedef {import('../../video/call.js').Call} Call */
/** @typedef {import('../../video/media.js').Media} Media */
/** @typedef {import('../shapes.js').Catalog} Catalog */
/** @typedef {keyof typeof import('../icons.js').PATHS} Picture */

/** Loudness of original voices that most people can follow both with. */
const USUAL = 0.15;

/**
 * @param {object} options
 * @param {Call} options.call
 * @param {Media} options.media
 * @param {Catalog} options.words
 * @param {string} options.leave  what the button to go says
 * @param {() => void} options.onsmall  float the picture over other windows
 * @param {() => void} options.ondevices
 * @param {(() => void) | null} options.oninvite
 * @param {() => void} options.onleave
 */
export function callTools({ call, media, words, leave, onsmall, ondevices, oninvite, onleave }) {
  const microphone = tool('mic', '', () => {
    const { microphone: sound, muted } = media.state;
    if (sound === 'on' || (sound === 'off' && muted)) return media.setMuted(!muted);
    media.setMuted(false); // it is gone, or was refused
    void media.useMicrophone('');
  }, 'microphone');
  const camera = tool('camera', '', () => void media.setCamera(media.state.camera !== 'on'), 'camera');
  const share = 'getDisplayMedia' in (navigator.mediaDevices ?? {})
    ? tool('screen', words.say('call.share'), () => void (call.state.sharing ? call.stopSharing() : call.share()), 'share')
    : null;
  const original = originalVoice(call, words);
  const element = h('div', { class: 'call-tools', role: 'group', 'aria-label': words.say('call.tools') },
    microphone, camera, share, original.button,
    canFloat() && tool('small', words.say('call.small'), onsmall, 'small'),
    tool('settings', words.say('call.devices'), ondevices, 'devices'),
    oninvite && tool('people', words.say('call.invite'), oninvite, 'invite'),
    button('end', leave, onleave, { class: 'tool leave', 'data-tool': 'leave' }),
    original.element);
  const update = () => {
    const { muted, camera: picture, microphone: sound } = media.state;
    const speaks = sound === 'on' && !muted;
    set(microphone, speaks ? 'mic' : 'mic-off', words.say(speaks ? 'call.mute' : 'call.unmute'), speaks);
    set(camera, picture === 'on' ? 'camera' : 'camera-off', words.say(picture === 'on' ? 'call.camera-off' : 'call.camera-on'), picture === 'on');
    if (share) set(share, 'screen', words.say(call.state.sharing ? 'call.unshare' : 'call.share'), !call.state.sharing);
  };
  call.addEventListener('change', update);
  media.addEventListener('change', update);
  update();
  return {
    element,
    /** Where there is a telephone. @param {() => void} onphone */
    addPhone(onphone) {
      element.querySelector('[data-tool=leave]')?.before(tool('phone', words.say('call.phone'), onphone, 'phone'));
    },
    close() {
      call.removeEventListener('change', update);
      media.removeEventListener('change', update);
    },
  };
}

/** @param {Picture} picture @param {string} word @param {() => void} act @param {string} name */
function tool(picture, word, act, name) {
  return button(picture, word, act, { class: 'tool', 'data-tool': name });
}

/** @param {HTMLButtonElement} element @param {Picture} picture @param {string} word @param {boolean} usual */
function set(element, picture, word, usual) {
  if (element.dataset['state'] === `${usual} ${word}`) return;
  element.dataset['state'] = `${usual} ${word}`;
  element.classList.toggle('off', !usual && picture.endsWith('-off'));
  element.classList.toggle('on', !usual && !picture.endsWith('-off'));
  fill(element, icon(picture), h('span', { class: 'word' }, word));
}

/** How loud people's own voices are under the interpretation. @param {Call} call @param {Catalog} words */
function originalVoice(call, words) {
  const id = unique('original');
  const percent = new Intl.NumberFormat(words.language, { style: 'percent' });
  const value = h('output', { for: id });
  const slider = h('input', { id, type: 'range', min: 0, max: 1, step: 0.05, value: call.state.level, 'aria-describedby': `${id}-hint` });
  let before = USUAL;
  const off = button('mic-off', words.say('call.original.off'), () => choose(Number(slider.value) === 0 ? before : 0));
  const choose = (/** @type {number} */ loudness) => {
    if (loudness === 0) before = Number(slider.value) || before;
    slider.value = String(loudness);
    call.setLevel(loudness);
    remember('originalVoice', loudness);
    tell();
  };
  const tell = () => {
    const text = Number(slider.value) === 0 ? words.say('call.original.off') : percent.format(Number(slider.value));
    value.textContent = text;
    slider.setAttribute('aria-valuetext', text);
    off.setAttribute('aria-pressed', String(Number(slider.value) === 0));
  };
  slider.addEventListener('input', () => choose(Number(slider.value)));
  tell();
  const element = h('div', { class: 'original', id: `${id}-panel`, hidden: true },
    h('label', { for: id }, words.say('call.original'), ' ', value),
    h('p', { id: `${id}-hint` }, words.say('call.original.hint')),
    h('div', { class: 'with-button' }, slider, off));
  const opener = tool('voice', words.say('call.original'), () => open(element.hidden), 'original');
  opener.setAttribute('aria-controls', element.id);
  const open = (/** @type {boolean} */ wanted) => {
    element.hidden = !wanted;
    opener.setAttribute('aria-expanded', String(wanted));
    (wanted ? slider : opener).focus();
  };
  element.addEventListener('keydown', (event) => event.key === 'Escape' && open(false));
  opener.setAttribute('aria-expanded', 'false');
  return { button: opener, element };
}
