/** Camera, microphone and loudspeaker: whether they work, and which is used. In the lobby and in the call. */

import { choosesSpeaker } from '../../video/media.js';
import { button, fill, h, icon, unique } from '../elements.js';

/** @typedef {import('../../video/media.js').Media} Media */
/** @typedef {import('../../video/media.js').Kind} Kind */
/** @typedef {import('../shapes.js').Catalog} Catalog */

/** @type {Record<Kind, keyof typeof import('../icons.js').PATHS>} */
const PICTURES = { camera: 'camera', microphone: 'mic', speaker: 'voice' };

/** Names that stand for another device of the list. */
const SYSTEM = ['default', 'communications'];

/** @param {Media} media @param {Catalog} words */
export function devices(media, words) {
  const kinds = /** @type {Kind[]} */ (Object.keys(PICTURES));
  const rows = kinds.map((kind) => row(media, kind, words));
  const element = h('div', { class: 'devices' }, rows.map((each) => each.element));
  const update = () => rows.forEach((each) => each.update());
  media.addEventListener('change', update);
  update();
  return {
    element,
    /** Put something below a device. @param {Kind} kind @param {HTMLElement} more */
    after: (kind, more) => rows[kinds.indexOf(kind)]?.element.after(more),
    close: () => media.removeEventListener('change', update),
  };
}

/** To look at them, and choose others. @param {Media} media @param {Catalog} words */
export function showDevices(media, words) {
  const choices = devices(media, words);
  const dialog = h('dialog', { class: 'invitation device-dialog', lang: words.language, dir: words.direction, 'aria-labelledby': 'devices-title', onclose: () => {
    choices.close();
    dialog.remove();
  } },
    h('h2', { id: 'devices-title' }, icon('settings'), words.say('call.devices')),
    choices.element,
    button('cross', words.say('close'), () => dialog.close(), { class: 'primary' }));
  document.body.append(dialog);
  dialog.showModal();
}

/** @param {Media} media @param {Kind} kind @param {Catalog} words */
function row(media, kind, words) {
  const id = unique(kind);
  const select = h('select', { id, onchange: () => void use(media, kind, select.value) });
  const label = h('label', { for: id }, icon(PICTURES[kind]), words.say(`lobby.${kind}`));
  const trouble = h('p', { class: 'warning', role: 'status' });
  const element = h('div', { class: 'field device', 'data-device': kind }, label, select, trouble);
  let shown = '';
  const update = () => {
    const { devices: all, used } = media.state;
    const problem = deviceTrouble(media, kind, words);
    const known = all[kind].filter((each) => !SYSTEM.includes(each.id));
    const now = JSON.stringify([known, used[kind], problem]);
    if (now === shown) return;
    shown = now;
    const options = [{ id: '', label: words.say('lobby.default') }, ...known];
    fill(select, ...options.map((each, place) => h('option', { value: each.id, selected: each.id === used[kind] }, each.label || `${words.say(`lobby.${kind}`)} ${place}`)));
    // Some browsers leave the loudspeaker to the system.
    element.hidden = kind === 'speaker' && (known.length === 0 || !choosesSpeaker);
    select.disabled = known.length === 0;
    fill(trouble, ...(problem ? [icon('warning'), h('span', {}, problem), again(media, kind, words)] : []));
    trouble.hidden = !problem;
  };
  return { element, update };
}

/** @param {Media} media @param {Kind} kind @param {Catalog} words @param {string} [className] */
export function again(media, kind, words, className = 'quiet') {
  return button('again', words.say('try-again'), () => void use(media, kind, ''), { class: className });
}

/** @param {Media} media @param {Kind} kind @param {string} id */
async function use(media, kind, id) {
  if (kind === 'camera') await media.useCamera(id);
  else if (kind === 'microphone') await media.useMicrophone(id);
  else media.useSpeaker(id);
}

/**
 * Why a device does not work, in words that tell what to do; empty where it does.
 * @param {Media} media
 * @param {Kind} kind
 * @param {Catalog} words
 */
export function deviceTrouble(media, kind, words) {
  if (kind === 'speaker') return media.state.speakerLost ? words.say('speaker.lost') : '';
  const state = media.state[kind];
  if (state === 'on' || state === 'off') return '';
  if (kind === 'microphone') return words.say(`microphone.${state === 'lost' ? 'missing' : state}`);
  return words.say(state === 'insecure' ? 'microphone.insecure' : `camera.${state}`);
}

/**
 * A headset, perhaps, that has just been plugged in or switched on.
 * @param {Media} media
 * @param {Catalog} words
 */
export function appeared(media, words) {
  const element = h('div', { class: 'appeared', role: 'status', hidden: true });
  let shown = '';
  const update = () => {
    const device = media.state.appeared;
    const now = device?.id ?? '';
    if (now === shown) return;
    shown = now;
    element.hidden = !device;
    fill(element, device && [
      icon('voice'),
      h('span', {}, words.say('call.appeared', { device: device.label })),
      button('check', words.say('call.use'), () => void media.answer(true), { class: 'primary' }),
      button('cross', words.say('close'), () => void media.answer(false), { class: 'quiet' }),
    ].flat());
  };
  media.addEventListener('change', update);
  update();
  return { element, close: () => media.removeEventListener('change', update) };
}
