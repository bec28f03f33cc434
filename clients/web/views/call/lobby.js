/** Before the call: whether camera, microphone and loudspeaker work. */

import { button, fill, h, icon } from '../elements.js';
import { heading, mark, page, teller } from '../frame.js';
import { GESTURES } from '../../playback.js';
import { chime } from './chime.js';
import { appeared, devices } from './devices.js';

/** @typedef {import('../../video/media.js').Media} Media */
/** @typedef {import('../shapes.js').Catalog} Catalog */
/** @typedef {import('../shapes.js').Language} Language */

/** Below this, a bar that moves would only show the room's own noise. */
const QUIET = 0.01;
const LOUD = 0.17;

/** After which a browser that does not listen yet waits for a tap. */
const START_MS = 500;

/**
 * @param {object} options
 * @param {Catalog} options.words
 * @param {Media} options.media
 * @param {Promise<void>} options.opening  the browser asks whether camera and microphone may be used
 * @param {string} options.when  the appointment, in words; empty for a guest
 * @param {string} options.go  what the button says
 * @param {Language | null} options.language  the visitor's, where it may be changed
 * @param {() => void} options.onlanguage  to choose another
 * @param {() => void} options.onready
 * @returns {import('../shapes.js').View}
 */
export function lobbyView({ words, media, opening, when, go, language, onlanguage, onready }) {
  const title = words.say('lobby.title');
  const mirror = selfPicture(media).element;
  const dark = h('p', { class: 'dark' });
  const meter = levelMeter(media, words);
  const choices = devices(media, words);
  const headset = appeared(media, words);
  const without = button('camera-off', '', () => void media.setCamera(media.state.camera !== 'on'), { class: 'quiet' });
  const enter = button('forward', words.say(go), onready, { class: 'primary big directed' });
  choices.after('microphone', meter.element);
  choices.after('speaker', soundTest(media, words));
  const element = page(words, 'lobby', mark(),
    h('div', { class: 'sheet lobby-sheet' },
      h('div', { class: 'ask' }, heading(title), when && h('p', { class: 'lead' }, when), h('p', {}, words.say('lobby.hint'))),
      language && h('p', { class: 'spoken-language' }, icon('globe'), h('span', {}, words.say('lobby.language')),
        h('strong', { lang: language.tag, dir: language.direction }, language.name),
        button('edit', words.say('lobby.other-language'), onlanguage, { class: 'quiet' })),
      h('div', { class: 'trying' },
        h('div', { class: 'preview' }, mirror, dark, without),
        h('div', { class: 'choices-of-devices' }, headset.element, choices.element)),
      h('div', { class: 'choices' }, enter)));
  let asking = true;
  const update = () => {
    const on = media.state.camera === 'on';
    mirror.hidden = !on;
    dark.hidden = on;
    without.hidden = asking && !on;
    fill(dark, icon(asking ? 'camera' : 'camera-off', 'huge'), asking && h('span', {}, words.say('lobby.asking')));
    fill(without, icon(on ? 'camera-off' : 'camera'), h('span', { class: 'word' }, words.say(on ? 'lobby.sound-only' : 'lobby.with-camera')));
  };
  void opening.then(() => {
    asking = false;
    update();
  });
  media.addEventListener('change', update);
  update();
  return {
    element,
    title,
    close() {
      media.removeEventListener('change', update);
      for (const part of [choices, headset, meter]) part.close();
    },
  };
}

/** As in a mirror, which is how people know themselves. @param {Media} media */
export function selfPicture(media) {
  const element = h('video', { class: 'mirror', muted: true, autoplay: true, playsinline: true, 'aria-hidden': 'true' });
  element.muted = true;
  element.srcObject = media.stream;
  return { element };
}

/** @param {Media} media @param {Catalog} words */
function levelMeter(media, words) {
  const bar = h('progress', { max: 1, value: 0, 'aria-label': words.say('lobby.level') });
  const tap = h('p', { class: 'warning', role: 'status', hidden: true }, icon('info'), h('span', {}, words.say('lobby.tap')));
  const element = h('div', { class: 'sound-level' }, h('p', {}, words.say('lobby.level')), bar, tap);
  /** @type {MediaStreamTrack | undefined} */
  let heard;
  let stop = () => {};
  const update = () => {
    element.hidden = media.state.microphone !== 'on';
    if (heard === media.microphone) return;
    heard = media.microphone;
    stop();
    stop = heard ? listen(heard, (level, runs) => {
      bar.value = level < QUIET ? 0 : Math.min(1, level / LOUD);
      tap.hidden = runs;
    }) : () => {};
  };
  media.addEventListener('change', update);
  update();
  return {
    element,
    close() {
      media.removeEventListener('change', update);
      stop();
    },
  };
}

/**
 * How loud it is, for each picture the screen shows.
 * @param {MediaStreamTrack} track
 * @param {(level: number, runs: boolean) => void} onlevel  root mean square, 0 to 1; whether the browser listens already
 * @returns {() => void}
 */
function listen(track, onlevel) {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const since = performance.now();
  let over = false;
  const look = () => {
    if (over) return;
    analyser.getFloatTimeDomainData(samples);
    // It takes a moment even where nothing is in the way.
    const runs = context.state === 'running' || performance.now() - since < START_MS;
    onlevel(Math.sqrt(samples.reduce((sum, sample) => sum + sample ** 2, 0) / samples.length), runs);
    requestAnimationFrame(look);
  };
  look();
  // Browsers start it in the course of a tap only, or of a key.
  const resume = () => void context.resume().catch(() => undefined);
  for (const type of GESTURES) document.addEventListener(type, resume);
  return () => {
    over = true;
    for (const type of GESTURES) document.removeEventListener(type, resume);
    void context.close();
  };
}

/** @param {Media} media @param {Catalog} words */
function soundTest(media, words) {
  const status = teller();
  const play = button('voice', words.say('lobby.sound'), () => {
    void chime(media.state.used.speaker);
    status.tell(words.say('lobby.silent'));
  });
  return h('div', { class: 'sound-test' }, play, status.element);
}
