/**
 * The way to one other browser: pictures, voices, and the screen somebody shares.
 *
 * Negotiates as "perfect negotiation" (W3C WebRTC, section 10.7). Who came first (impolite) offers three
 * lines: voice, camera, screen. They stay for the whole call; cameras and screens come and go by replacing
 * what is sent, without negotiating anew. What is left to negotiate is another way through the network.
 * Signals may be lost or come twice where a websocket is cut: offers are repeated, and an answer names the
 * offer it belongs to.
 */

import { BITRATES, Bandwidth } from './bandwidth.js';

/** @typedef {import('../protocol.js').Signalled} Signalled */
/** @typedef {'connecting' | 'live' | 'lost'} Link */
/** @typedef {'voice' | 'camera' | 'screen'} Part */

/** @type {Part[]} in the order of their lines */
const PARTS = ['voice', 'camera', 'screen'];

/** Without success until then, the first offer was lost, or its answer. */
const FIRST_MS = 8000;

/** A line that is gone for a moment often comes back by itself; the polite side waits longer. */
const RESTART_MS = { impolite: 2000, polite: 4000 };
const LONGEST_RESTART_MS = 30_000;
const LOOK_MS = 2000;

/** Event `change`. */
export class Peer extends EventTarget {
  /**
   * @param {object} options
   * @param {boolean} options.polite
   * @param {RTCIceServer[]} options.relays
   * @param {(signal: Signalled) => void} options.send  to the other browser
   */
  constructor({ polite, relays, send }) {
    super();
    this.polite = polite;
    this.send = send;
    /** @type {Link} */
    this.link = 'connecting';
    /** Voice and camera of the other. */
    this.stream = new MediaStream();
    this.screen = new MediaStream();
    this.bandwidth = new Bandwidth();
    /** @type {Partial<Record<Part, MediaStreamTrack | undefined>>} */
    this.sent = {};
    this.offering = false;
    this.restarts = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.restarting = undefined;
    /** What came is worked on in order. @type {Promise<void>} */
    this.work = Promise.resolve();
    this.connection = new RTCPeerConnection({ iceServers: relays, bundlePolicy: 'max-bundle' });
    const { connection } = this;
    connection.onnegotiationneeded = () => void this.#offer();
    connection.onicecandidate = ({ candidate }) => candidate && this.send({ candidate: candidate.toJSON() });
    connection.ontrack = ({ track, transceiver }) => this.#receive(track, transceiver);
    connection.onconnectionstatechange = () => this.#follow();
    if (!polite) for (const kind of ['audio', 'video', 'video']) connection.addTransceiver(kind, { direction: 'sendrecv' });
    this.looking = setInterval(() => void this.#look(), LOOK_MS);
    this.#restartSoon(FIRST_MS);
  }

  /** Send this from now on, or nothing. @param {Part} part @param {MediaStreamTrack | undefined} track */
  show(part, track) {
    if (this.sent[part] === track) return;
    this.sent[part] = track;
    this.#fill();
  }

  /** What the other browser says. @param {Signalled} signal */
  take({ description, candidate }) {
    if (description) this.work = this.work.then(() => this.#describe(description)).catch(() => this.restart());
    // One that does not fit is of a way that has been given up.
    if (candidate) this.work = this.work.then(() => this.connection.addIceCandidate(candidate)).catch(() => undefined);
  }

  /** @param {RTCIceServer[]} relays  used from the next restart on */
  setRelays(relays) {
    this.connection.setConfiguration({ ...this.connection.getConfiguration(), iceServers: relays });
  }

  /** Look for another way through the network; the one there is goes on meanwhile. */
  restart() {
    const { signalingState, remoteDescription } = this.connection;
    if (signalingState === 'closed') return;
    if (signalingState === 'have-local-offer') this.#tell(); // it, or its answer, was lost on the way
    if (remoteDescription) this.connection.restartIce();
  }

  close() {
    clearInterval(this.looking);
    clearTimeout(this.restarting);
    this.connection.onconnectionstatechange = null;
    this.connection.close();
  }

  async #offer() {
    try {
      this.offering = true;
      await this.connection.setLocalDescription();
      this.#tell();
    } catch {
      // It was closed, or the other was faster.
    } finally {
      this.offering = false;
    }
  }

  #tell() {
    const { localDescription, remoteDescription } = this.connection;
    if (!localDescription) return;
    const { type, sdp } = localDescription;
    const answers = type === 'answer' && remoteDescription ? `a=answers:${version(remoteDescription.sdp)}\r\n` : '';
    this.send({ description: { type, sdp: sdp + answers } });
  }

  /** @param {RTCSessionDescriptionInit} description */
  async #describe({ type, sdp = '' }) {
    const { connection } = this;
    const answers = /^a=answers:(.*)\r\n/m.exec(sdp);
    if (type === 'answer') {
      const { signalingState, localDescription } = connection;
      const old = answers && answers[1] !== version(localDescription?.sdp ?? '');
      if (signalingState !== 'have-local-offer' || old) return; // to an offer that was repeated, or withdrawn
      await connection.setRemoteDescription({ type, sdp: sdp.replace(answers?.[0] ?? '', '') });
    } else {
      const collision = this.offering || connection.signalingState !== 'stable';
      if (collision && !this.polite) return; // they withdraw theirs, and answer
      await connection.setRemoteDescription({ type, sdp });
      for (const line of connection.getTransceivers()) line.direction = 'sendrecv';
      await connection.setLocalDescription();
      this.#tell();
    }
    this.#fill();
    this.#limit();
  }

  #fill() {
    const lines = this.connection.getTransceivers();
    PARTS.forEach((part, place) => {
      const sender = lines[place]?.sender;
      const track = part === 'camera' && this.bandwidth.level === 'none' ? null : (this.sent[part] ?? null);
      if (sender && sender.track !== track) void sender.replaceTrack(track).catch(() => undefined);
    });
  }

  /** Voices go first, and pictures take no more than the line bears. */
  #limit() {
    const { level } = this.bandwidth;
    this.connection.getTransceivers().forEach(({ sender }, place) => {
      const part = PARTS[place];
      const parameters = sender.getParameters();
      const [encoding] = parameters.encodings ?? [];
      if (!encoding || !part) return;
      encoding.networkPriority = encoding.priority = part === 'voice' ? 'high' : 'low';
      if (part !== 'voice') encoding.maxBitrate = BITRATES[level][part] || BITRATES.reduced[part];
      if (part === 'camera') encoding.scaleResolutionDownBy = level === 'full' ? 1 : 2;
      void sender.setParameters(parameters).catch(() => undefined);
    });
  }

  /** @param {MediaStreamTrack} track @param {RTCRtpTransceiver} line */
  #receive(track, line) {
    const part = PARTS[this.connection.getTransceivers().indexOf(line)];
    (part === 'screen' ? this.screen : this.stream).addTrack(track);
    this.#changed();
  }

  #follow() {
    const { connectionState } = this.connection;
    if (connectionState === 'connected') {
      clearTimeout(this.restarting);
      this.restarting = undefined;
      this.restarts = 0;
      if (this.link === 'lost') this.bandwidth.forget();
      this.link = 'live';
    } else if (connectionState === 'failed' || connectionState === 'disconnected') {
      if (this.link === 'live' || connectionState === 'failed') this.link = 'lost';
      this.#restartSoon(connectionState === 'failed' && !this.restarts ? 0 : this.#pause());
    }
    this.#changed();
  }

  /** Again and again, less and less often, until it is there. @param {number} wait */
  #restartSoon(wait) {
    if (this.restarting !== undefined) return;
    this.restarting = setTimeout(() => {
      this.restarting = undefined;
      if (this.restarts > 0) this.link = 'lost'; // or was never found
      this.restart();
      this.restarts += 1;
      this.#restartSoon(this.#pause());
      this.#changed();
    }, wait);
  }

  #pause() {
    return Math.min(LONGEST_RESTART_MS, RESTART_MS[this.polite ? 'polite' : 'impolite'] * 2 ** this.restarts);
  }

  /** Whether the line bears the picture. */
  async #look() {
    if (this.link !== 'live' || !(this.sent.camera || this.sent.screen)) return;
    const before = this.bandwidth.level;
    if (this.bandwidth.take(await this.#sample()) === before) return;
    this.#fill();
    this.#limit();
    this.#changed();
  }

  /** @returns {Promise<import('./bandwidth.js').Sample>} */
  async #sample() {
    const stats = await this.connection.getStats();
    const all = [...stats.values()];
    const chosen = all.find(({ type }) => type === 'transport')?.selectedCandidatePairId;
    const pair = stats.get(chosen) ?? all.find(({ type, nominated, state }) => type === 'candidate-pair' && nominated && state === 'succeeded');
    const losses = all.filter(({ type }) => type === 'remote-inbound-rtp').map(({ fractionLost }) => fractionLost ?? 0);
    return {
      available: pair?.availableOutgoingBitrate ?? null,
      lost: losses.length ? Math.max(...losses) : null,
      delay: pair?.currentRoundTripTime ?? null,
    };
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}

/** Which of its maker's descriptions it is: numbers that no other has. @param {string} sdp */
function version(sdp) {
  return /^o=\S+ (\S+ \S+)/m.exec(sdp)?.[1] ?? '';
}
