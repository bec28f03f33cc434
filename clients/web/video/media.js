/**
 * One person's camera, microphone and loudspeaker, in the lobby and in the call: what works, what
 * does not and why, and which other devices there are.
 */

import { MicrophoneError, soundWanted, take } from '../capture.js';

/** @typedef {import('../capture.js').MicrophoneTrouble | 'lost'} Trouble  `lost`: unplugged, or taken away by the system */
/** @typedef {'off' | 'on' | Trouble} DeviceState */
/** @typedef {'camera' | 'microphone'} Source */
/** @typedef {Source | 'speaker'} Kind */
/** @typedef {{id: string, label: string}} Device */

/**
 * @typedef {object} MediaState
 * @property {DeviceState} camera
 * @property {DeviceState} microphone  `off` while it is muted
 * @property {boolean} muted
 * @property {Record<Kind, Device[]>} devices  known by name once one may be used
 * @property {Record<Kind, string>} used  id of the device; empty: the system's choice
 * @property {boolean} speakerLost  the loudspeaker that was chosen is gone; voices come from the system's choice
 * @property {(Device & {kind: Kind}) | null} appeared  a headset, perhaps; see `answer`
 */

/** @type {Record<MediaDeviceKind, Kind>} */
const KINDS = { videoinput: 'camera', audioinput: 'microphone', audiooutput: 'speaker' };

/** In this order: a headset is offered by its microphone. @type {Kind[]} */
const OFFERED = ['microphone', 'speaker', 'camera'];

/** Chromium's names for whatever the system chooses. */
const SYSTEM = new Set(['default', 'communications']);

/** Whether this browser lets a page choose the loudspeaker of its voices; others leave it to the system. */
export const choosesSpeaker = 'setSinkId' in (globalThis.AudioContext?.prototype ?? {});

/** Enough for a face, and little enough for a line at home. */
const PICTURE = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 24, max: 30 } };

/** A lid that is closed, or a plug that is pulled, takes several devices at once. */
const SETTLE_MS = 300;

/** What may be over by itself. @type {Set<DeviceState>} */
const PASSING = new Set(['missing', 'busy', 'lost']);

/** Event `change`. */
export class Media extends EventTarget {
  constructor() {
    super();
    /** Of both, for a preview; stays the same while the devices change. */
    this.stream = new MediaStream();
    /** @type {MediaState} */
    this.state = {
      camera: 'off',
      microphone: 'off',
      muted: false,
      devices: { camera: [], microphone: [], speaker: [] },
      used: { camera: '', microphone: '', speaker: '' },
      speakerLost: false,
      appeared: null,
    };
    /** Whether the person wants it. @type {Record<Source, boolean>} */
    this.wanted = { camera: false, microphone: false };
    /** Counts the wishes; only the latest counts. @type {Record<Source, number>} */
    this.wishes = { camera: 0, microphone: 0 };
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.settling = undefined;
    this.closing = new AbortController();
    const settled = () => {
      clearTimeout(this.settling);
      this.settling = setTimeout(() => void this.#look(), SETTLE_MS);
    };
    const { signal } = this.closing;
    navigator.mediaDevices?.addEventListener('devicechange', settled, { signal });
    // Some systems take devices from pages that nobody sees.
    document.addEventListener('visibilitychange', settled, { signal });
    for (const kind of /** @type {const} */ (['camera', 'microphone'])) void this.#permitted(kind, signal);
  }

  get camera() {
    return this.stream.getVideoTracks()[0];
  }

  get microphone() {
    return this.stream.getAudioTracks()[0];
  }

  get closed() {
    return this.closing.signal.aborted;
  }

  /** Both; one that fails leaves the other alone. The browser asks once where it may. */
  async open({ camera = true, microphone = true } = {}) {
    const { used } = this.state;
    if (camera && microphone && (await this.#both())) return;
    if (microphone) await this.useMicrophone(used.microphone);
    if (camera) await this.useCamera(used.camera);
  }

  /** @param {string} id  empty: the system's choice */
  async useCamera(id) {
    const { camera: before } = this.state.used;
    this.#drop(this.camera); // many systems give a camera to one only, and that is us
    await this.#use('camera', id);
    if (id && id !== before && this.wanted.camera && this.state.camera !== 'on') await this.#use('camera', before);
  }

  /** One that does not open leaves the one there was. @param {string} id  empty: the system's choice */
  async useMicrophone(id) {
    await this.#use('microphone', id);
  }

  /** Where voices are heard; not every browser can choose. @param {string} id  empty: the system's choice */
  useSpeaker(id) {
    this.#put({ used: { ...this.state.used, speaker: id }, speakerLost: false, appeared: this.#unless(id) });
  }

  /** @param {boolean} on */
  async setCamera(on) {
    if (on) return this.useCamera(this.state.used.camera);
    this.wanted.camera = false;
    this.wishes.camera += 1;
    this.#drop(this.camera); // not only dark: its light goes out
    this.#put({ camera: 'off' });
  }

  /** Nobody hears this person, neither people nor the machine. @param {boolean} muted */
  setMuted(muted) {
    const { microphone } = this;
    if (microphone) microphone.enabled = !muted;
    this.#put({ muted, ...(microphone && { microphone: heard(microphone) }) });
  }

  /** What appeared is used, or not. @param {boolean} use */
  async answer(use) {
    const { appeared } = this.state;
    this.#put({ appeared: null });
    if (!use || !appeared) return;
    if (appeared.kind === 'camera') return this.useCamera(appeared.id);
    if (appeared.kind === 'speaker') return this.useSpeaker(appeared.id);
    await this.useMicrophone(appeared.id);
    // A headset is both; its two halves share a name.
    const half = this.state.devices.speaker.find(({ label }) => label === appeared.label);
    if (half && choosesSpeaker) this.useSpeaker(half.id);
  }

  close() {
    this.closing.abort();
    clearTimeout(this.settling);
    for (const track of this.stream.getTracks()) this.#drop(track);
    this.#put({ camera: 'off', microphone: 'off' });
  }

  /** With one question. Resolves with whether that succeeded. */
  async #both() {
    const { used } = this.state;
    const wishes = this.#wish('camera', 'microphone');
    const stream = await take({ audio: soundWanted(used.microphone), video: pictureWanted(used.camera) }).catch(() => null);
    if (!stream) return false;
    for (const track of stream.getTracks()) this.#keep(track.kind === 'audio' ? 'microphone' : 'camera', track, wishes);
    await this.#list();
    return true;
  }

  /** @param {Source[]} sources */
  #wish(...sources) {
    for (const source of sources) {
      this.wanted[source] = true;
      this.wishes[source] += 1;
    }
    return { ...this.wishes };
  }

  /** @param {Source} source @param {string} id */
  async #use(source, id) {
    const wishes = this.#wish(source);
    try {
      const stream = await take(source === 'camera' ? { video: pictureWanted(id) } : { audio: soundWanted(id) });
      for (const track of stream.getTracks()) this.#keep(source, track, wishes);
    } catch (error) {
      const current = wishes[source] === this.wishes[source] && this[source]?.readyState !== 'live';
      if (current) this.#put({ [source]: error instanceof MicrophoneError ? error.code : 'failed' });
    }
    await this.#list();
  }

  /** @param {Source} source @param {MediaStreamTrack} track @param {Record<Source, number>} wishes  when it was asked for */
  #keep(source, track, wishes) {
    // A person may take long to allow it, and have thought better of it.
    if (this.closed || wishes[source] !== this.wishes[source]) return track.stop();
    this.#drop(this[source]);
    this.stream.addTrack(track);
    if (source === 'microphone') track.enabled = !this.state.muted;
    const tell = () => this.#put({ [source]: source === 'microphone' ? heard(track) : seen(track) });
    track.onended = () => void this.#lost(source, track);
    track.onmute = track.onunmute = tell;
    const id = track.getSettings().deviceId ?? '';
    this.#put({ used: { ...this.state.used, [source]: id }, appeared: this.#unless(id) });
    tell();
  }

  /** Unplugged, or taken away by the system; another one helps where there is one. @param {Source} source @param {MediaStreamTrack} track */
  async #lost(source, track) {
    this.#drop(track);
    this.#put({ [source]: 'lost', used: { ...this.state.used, [source]: '' } });
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    await this.#look();
  }

  /** Other devices are there than before, or the page is seen again. */
  async #look() {
    const before = this.state.devices;
    await this.#list();
    if (this.closed) return;
    for (const source of /** @type {const} */ (['microphone', 'camera'])) {
      const there = this.state.devices[source].length > 0 && !this[source];
      if (this.wanted[source] && there && PASSING.has(this.state[source])) await this.#use(source, '');
    }
    const { appeared, used, devices } = this.state;
    if (used.speaker && !devices.speaker.some(({ id }) => id === used.speaker)) this.#put({ used: { ...used, speaker: '' }, speakerLost: true });
    for (const kind of OFFERED) {
      if (kind === 'speaker' && !choosesSpeaker) continue;
      const known = new Set([...SYSTEM, used[kind], ...before[kind].map(({ id }) => id)]);
      const news = before[kind].length && devices[kind].find(({ id, label }) => label && !known.has(id));
      if (news) return this.#put({ appeared: { kind, ...news } });
    }
    if (appeared && !devices[appeared.kind].some(({ id }) => id === appeared.id)) this.#put({ appeared: null });
  }

  /** Whoever refused may allow it later, where the browser keeps such things. @param {Source} source @param {AbortSignal} signal */
  async #permitted(source, signal) {
    const name = /** @type {PermissionName} */ (source);
    const permission = await navigator.permissions?.query({ name }).catch(() => null);
    permission?.addEventListener('change', () => {
      if (permission.state === 'granted' && this.wanted[source] && this.state[source] === 'refused') void this.#use(source, '');
    }, { signal });
  }

  /** @param {string} id @returns {MediaState['appeared']} */
  #unless(id) {
    return this.state.appeared?.id === id ? null : this.state.appeared;
  }

  async #list() {
    const all = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    /** @type {MediaState['devices']} */
    const devices = { camera: [], microphone: [], speaker: [] };
    for (const { kind, deviceId, label } of all) if (deviceId) devices[KINDS[kind]].push({ id: deviceId, label });
    this.#put({ devices });
  }

  /** @param {MediaStreamTrack | undefined} track */
  #drop(track) {
    if (!track) return;
    track.onended = track.onmute = track.onunmute = null;
    track.stop();
    this.stream.removeTrack(track);
  }

  /** @param {Partial<MediaState>} changes */
  #put(changes) {
    this.state = { ...this.state, ...changes };
    this.dispatchEvent(new Event('change'));
  }
}

/** @param {string} deviceId @returns {MediaTrackConstraints} */
function pictureWanted(deviceId) {
  return { ...PICTURE, ...(deviceId && { deviceId: { exact: deviceId } }) };
}

/** A lid that is closed, or a switch at the device, leaves a track without anything in it. @param {MediaStreamTrack} track @returns {DeviceState} */
function seen(track) {
  return track.muted ? 'lost' : 'on';
}

/** @param {MediaStreamTrack} track @returns {DeviceState} */
function heard(track) {
  return track.enabled ? seen(track) : 'off';
}
