/** A video call: everybody in the picture of a conversation, over whatever the network is. */

import { DUCKED, Mixer } from './ducking.js';
import { Peer } from './peer.js';

/** @typedef {import('../protocol.js').Role} Role */
/** @typedef {import('../protocol.js').Party} Party */
/** @typedef {import('../protocol.js').PeerState} PeerState */
/** @typedef {import('../protocol.js').Showing} Showing */
/** @typedef {import('../conversation.js').Conversation} Conversation */
/** @typedef {import('./media.js').Media} Media */

/**
 * @typedef {object} PeerView  somebody else
 * @property {string} connection
 * @property {Role} role
 * @property {Party[]} parties
 * @property {MediaStream | null} stream  voice and camera; play it muted, the voice is mixed elsewhere
 * @property {MediaStream | null} screen  what they share
 * @property {boolean} sharing
 * @property {'connecting' | 'live' | 'lost' | 'off' | 'narrow'} picture  `off`: their camera is; `narrow`: their line is too thin for it
 * @property {boolean} camera
 * @property {boolean} microphone
 * @property {boolean} away  their page has lost the service; pictures may still come
 *
 * @typedef {object} CallState
 * @property {PeerView[]} peers
 * @property {boolean} sharing  this page's screen
 * @property {boolean} narrow  this page's line is too thin for its picture
 * @property {number} level  how loud originals are under the interpretation; 1: not lowered
 */

/** @typedef {{peer: Peer, told: PeerState, showing: Showing, shown: string}} Other  `shown`: what they know of this page, as JSON */

/** Of a shared screen: documents hardly move, and letters want sharpness. */
const SCREEN = { video: { frameRate: { max: 10 } }, audio: false };

/** Event `change`. */
export class Call extends EventTarget {
  /**
   * @param {object} options
   * @param {Conversation} options.conversation  made with `video` and with the `track` of the media, not started yet
   * @param {Media} options.media
   */
  constructor({ conversation, media }) {
    super();
    this.conversation = conversation;
    this.media = media;
    /** @type {CallState} */
    this.state = { peers: [], sharing: false, narrow: false, level: DUCKED };
    this.mixer = new Mixer();
    conversation.player.outlet = (player) => this.mixer.attach(player);
    /** @type {Map<string, Other>} */
    this.others = new Map();
    /** This page's connection, as the others know it. */
    this.name = '';
    /** @type {RTCIceServer[]} */
    this.relays = [];
    /** @type {MediaStreamTrack | undefined} */
    this.screen = undefined;
    this.kind = network()?.type;
    const { connection } = conversation;
    this.listening = new AbortController();
    const { signal } = this.listening;
    connection.addEventListener('message', (event) => this.#take(/** @type {CustomEvent} */ (event).detail), { signal });
    connection.addEventListener('state', (event) => this.#connected(/** @type {CustomEvent} */ (event).detail), { signal });
    media.addEventListener('change', () => this.#show(), { signal });
    addEventListener('online', () => this.restart(), { signal });
    network()?.addEventListener('change', () => this.#moved(), { signal });
  }

  /** Show the screen, or a window, or a document in one. Resolves with whether it is shown. */
  async share() {
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia(SCREEN);
      const [track] = stream.getVideoTracks();
      if (!track) return false;
      if (this.listening.signal.aborted) {
        track.stop(); // the call ended while they chose
        return false;
      }
      this.screen?.stop();
      track.contentHint = 'detail';
      track.onended = () => this.stopSharing();
      this.screen = track;
    } catch {
      return false; // they thought better of it
    }
    this.#show();
    return true;
  }

  stopSharing() {
    this.screen?.stop();
    this.screen = undefined;
    this.#show();
  }

  /** How loud originals are under the interpretation. @param {number} level  0 to 1; 1: not lowered */
  setLevel(level) {
    this.mixer.setLevel(level);
    this.#changed();
  }

  /** Look for another way to everybody. */
  restart() {
    for (const { peer } of this.others.values()) peer.restart();
  }

  /** The conversation itself goes on. */
  leave() {
    this.listening.abort();
    for (const name of [...this.others.keys()]) this.#forget(name);
    this.screen?.stop();
    this.screen = undefined;
    this.#changed();
  }

  /** @param {import('../protocol.js').ServerMessage} message */
  #take(message) {
    if (message.type === 'peers') this.#meet(message.peers);
    else if (message.type === 'signal') this.#signal(message);
    else if (message.type === 'relays') {
      this.relays = message.servers;
      for (const { peer } of this.others.values()) peer.setRelays(this.relays);
    }
  }

  /** @param {import('../connection.js').ConnectionState} state */
  #connected(state) {
    if (state === 'gone') this.leave();
    if (state !== 'open') return;
    // What was on its way through the cut line is lost, and the line was cut for a reason.
    for (const other of this.others.values()) other.shown = '';
    this.restart();
    this.#tell();
  }

  /** A telephone went from one network to another; browsers also tell of slower and faster ones. */
  #moved() {
    const kind = network()?.type;
    const other = kind !== this.kind;
    this.kind = kind;
    for (const { peer } of this.others.values()) if (other || peer.link !== 'live') peer.restart();
  }

  /** @param {PeerState[]} peers */
  #meet(peers) {
    const { name } = this.conversation.connection;
    const names = new Set(peers.map(({ connection }) => connection));
    // Whoever was away for too long is somebody new to everybody.
    for (const known of [...this.others.keys()]) if (name !== this.name || !names.has(known)) this.#forget(known);
    this.name = name;
    for (const told of peers) {
      const known = this.others.get(told.connection);
      if (!known) this.#add(told);
      else {
        const back = known.told.away && !told.away;
        known.told = told;
        if (!back) continue;
        known.shown = '';
        if (known.peer.link !== 'live') known.peer.restart();
      }
    }
    this.#show();
  }

  /** @param {PeerState} told */
  #add(told) {
    const { connection: to, polite } = told;
    const send = (/** @type {import('../protocol.js').Signalled} */ signal) => this.conversation.connection.send({ type: 'signal', to, ...signal });
    const peer = new Peer({ polite, relays: this.relays, send });
    this.others.set(to, { peer, told, showing: { camera: true, microphone: true, screen: false }, shown: '' });
    peer.addEventListener('change', () => {
      this.#hear();
      this.#tell();
      this.#changed();
    });
  }

  /** @param {string} name */
  #forget(name) {
    const known = this.others.get(name);
    if (!known) return;
    this.others.delete(name);
    this.mixer.remove(known.peer.stream);
    known.peer.close();
  }

  /** @param {import('../protocol.js').Signal} signal */
  #signal({ from, media, ...signal }) {
    const known = this.others.get(from);
    if (!known) return;
    if (media) known.showing = media;
    else known.peer.take(signal);
    this.#changed();
  }

  /** What this page has to show, to everybody, and to the interpreter. */
  #show() {
    const { microphone, camera, state } = this.media;
    this.conversation.microphone?.replace(microphone);
    for (const { peer } of this.others.values()) {
      peer.show('voice', microphone);
      peer.show('camera', camera);
      peer.show('screen', this.screen);
    }
    this.mixer.setSpeaker(state.used.speaker);
    this.#tell();
    this.#changed();
  }

  #tell() {
    const { microphone, camera } = this.media.state;
    for (const other of this.others.values()) {
      const narrow = camera === 'on' && other.peer.bandwidth.level === 'none';
      const showing = { camera: camera === 'on' && !narrow, microphone: microphone === 'on', screen: this.screen !== undefined, ...(narrow && { narrow }) };
      const text = JSON.stringify(showing);
      if (text === other.shown) continue;
      other.shown = text;
      other.peer.send({ media: showing });
    }
  }

  /** Voices that have come. Those of the other party are interpreted to this one, and lowered meanwhile. */
  #hear() {
    const mine = this.conversation.state.role === 'visitor' ? 'visitor' : 'staff';
    for (const { peer, told } of this.others.values()) {
      if (peer.stream.getAudioTracks().length) this.mixer.add(peer.stream, !told.parties.includes(mine));
    }
  }

  #changed() {
    const all = [...this.others.values()];
    const state = {
      peers: all.map(view),
      sharing: this.screen !== undefined,
      narrow: this.media.state.camera === 'on' && all.some(({ peer }) => peer.bandwidth.level === 'none'),
      level: this.mixer.level,
    };
    // A stream stays the same one; whether it is there shows in JSON.
    if (JSON.stringify(state) === JSON.stringify(this.state)) return;
    this.state = state;
    this.dispatchEvent(new Event('change'));
  }
}

/** @param {Other} other @returns {PeerView} */
function view({ peer, told, showing }) {
  const { connection, role, parties, away = false } = told;
  const { camera, microphone, screen = false, narrow } = showing;
  return {
    connection,
    role,
    parties,
    stream: peer.stream.getTracks().length ? peer.stream : null,
    screen: screen && peer.screen.getTracks().length ? peer.screen : null,
    sharing: screen,
    picture: peer.link === 'live' && !camera ? (narrow ? 'narrow' : 'off') : peer.link,
    camera,
    microphone,
    away,
  };
}

/** What tells that a telephone went from one network to another; not every browser has it. */
function network() {
  return /** @type {{connection?: EventTarget & {type?: string}}} */ (/** @type {unknown} */ (navigator)).connection;
}
