import { fill, h, icon } from './elements.js';

/** @typedef {import('./desk.js').Desk} Desk */
/** @typedef {import('./shapes.js').Side} Side */

/** A press shorter than this stays on until the next one, so both holding and tapping work. */
const TAP_SECONDS = 0.35;

/**
 * The button to speak. Hold it, or tap it and tap again when done; keys and switches do the same.
 * @param {Desk} desk
 * @param {Side} side
 */
export function talkButton(desk, { party, words }) {
  const picture = h('span', { class: 'talk-picture' });
  const word = h('span', { class: 'talk-word' });
  const hint = h('span', { class: 'talk-hint' });
  const element = h('button', { type: 'button', class: 'talk' }, picture, h('span', { class: 'talk-words' }, word, hint));
  let pressedAt = 0;
  let stays = false;
  let shown = '';

  const down = () => {
    if (stays) return;
    pressedAt = performance.now();
    void desk.beginTalking(party);
  };
  const up = () => {
    if (desk.talking !== party) {
      stays = false;
    } else if (!stays && performance.now() - pressedAt < TAP_SECONDS * 1000) {
      stays = true;
      update();
    } else {
      stays = false;
      desk.endTalking(party);
    }
  };
  const pressed = () => desk.talking === party;

  element.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    if (desk.handsFree) return;
    down();
  });
  element.addEventListener('pointerup', () => !desk.handsFree && up());
  element.addEventListener('pointercancel', () => !desk.handsFree && up());
  element.addEventListener('contextmenu', (event) => event.preventDefault());
  element.addEventListener('keydown', (event) => {
    if (desk.handsFree || (event.key !== ' ' && event.key !== 'Enter')) return;
    event.preventDefault();
    if (!event.repeat) down();
  });
  element.addEventListener('keyup', (event) => {
    if (desk.handsFree || (event.key !== ' ' && event.key !== 'Enter')) return;
    event.preventDefault();
    up();
  });
  element.addEventListener('click', (event) => {
    if (desk.handsFree) pause(desk);
    else if (event.detail === 0) toggle();
  });
  // A screen reader's "activate" comes as a click without a pointer.
  const toggle = () => {
    stays = !pressed();
    if (pressed()) desk.endTalking(party);
    else void desk.beginTalking(party);
  };

  const update = () => {
    const look = looks(desk, party);
    if (!pressed()) stays = false;
    const key = look.mode === 'talking' && stays ? 'tapped' : look.mode;
    if (shown === key) return;
    shown = key;
    element.dataset['mode'] = look.mode;
    element.setAttribute('aria-pressed', String(look.pressed));
    element.setAttribute('aria-disabled', String(look.mode === 'other'));
    fill(picture, icon(look.picture), look.mode === 'talking' || look.mode === 'open' ? wave() : null);
    word.textContent = words.say(`talk.${key}`);
    hint.textContent = words.has(`talk.${key}.hint`) ? words.say(`talk.${key}.hint`) : '';
  };
  update();
  return { element, update, down, up };
}

/**
 * @param {Desk} desk
 * @param {import('./shapes.js').Party} party
 * @returns {{mode: string, picture: 'mic' | 'mic-off' | 'person' | 'handsfree', pressed: boolean}}
 */
function looks(desk, party) {
  if (desk.handsFree) {
    const open = desk.microphone === 'open';
    return { mode: open ? 'open' : 'paused', picture: open ? 'handsfree' : 'mic-off', pressed: open };
  }
  if (desk.talking === party) return { mode: 'talking', picture: 'mic', pressed: true };
  if (desk.talking) return { mode: 'other', picture: 'person', pressed: false };
  if (desk.microphone === 'failed') return { mode: 'failed', picture: 'mic-off', pressed: false };
  return { mode: 'ready', picture: 'mic', pressed: false };
}

/** @param {Desk} desk */
function pause(desk) {
  if (desk.microphone === 'open') desk.closeMicrophone();
  else void desk.openMicrophone();
}

/** Moving bars: somebody is listened to. */
export function wave() {
  return h('span', { class: 'wave', 'aria-hidden': 'true' }, [0, 1, 2, 3, 4].map(() => h('i')));
}
