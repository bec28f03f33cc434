/** One connection to a conversation, over as many websockets as it takes. */

import { Outbox } from './outbox.js';
import { MICROPHONE_RATE, SPEECH_RATE, SUBPROTOCOL, decodeSpeech, encodeAudio } from './protocol.js';

/** @typedef {import('./protocol.js').ServerMessage} ServerMessage */
/** @typedef {import('./protocol.js').ClientMessage} ClientMessage */
/** @typedef {import('./protocol.js').Party} Party */
/** @typedef {ClientMessage & Record<string, unknown>} Message */
/** @typedef {'connecting' | 'open' | 'lost' | 'gone'} ConnectionState */

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5000;
const JOIN_MS = 10_000;

/** Sent, but not acknowledged for so long: the line is dead though nobody said so. */
const SILENT_MS = 5000;

/** The service says something every 5 s, also to whom it hears nothing of; so a line without a word for so long is dead. */
const QUIET_MS = 15_000;
const LOOK_MS = 100;

/** A line that held for so long makes the next attempts start with short delays again. */
const STEADY_MS = 10_000;

/** Bytes in the browser's own queue (one second of sound) above which frames wait in the outbox. */
const MOST_BUFFERED = 2 * MICROPHONE_RATE;

/** Messages that wait for a cut line to come back; nobody presses more buttons meanwhile. */
const MOST_MESSAGES = 50;

/** After a cut, until what was typed before it must have been told of if it arrived at all. */
const TOLD_MS = 2000;

/** After these the same token will not open the conversation again. */
const FATAL = new Set(['bad-token', 'token-expired', 'conversation-ended', 'not-allowed', 'bad-message']);

/**
 * Events: `message` (detail: a ServerMessage), `audio` (detail: {utterance, samples}), `state`
 * (detail: a ConnectionState). `gone` is for good: it ended, was left, or may not come back.
 */
export class Connection extends EventTarget {
  /**
   * @param {object} options
   * @param {string} options.token
   * @param {import('./protocol.js').TurnTaking} options.turnTaking
   * @param {boolean} [options.microphone]  whether sound will be sent
   * @param {boolean} [options.speech]  whether voices are wanted
   * @param {boolean} [options.video]  whether pictures are shown to others
   * @param {string} [options.url]  of the websocket; by default this page's own service
   */
  constructor({ token, turnTaking, microphone = true, speech = true, video = false, url = ownAddress() }) {
    super();
    this.url = url;
    /** @type {ConnectionState} */
    this.state = 'connecting';
    this.outbox = new Outbox();
    this.join = {
      type: 'join',
      token,
      turn_taking: turnTaking,
      microphone_rate: microphone ? MICROPHONE_RATE : null,
      speech_rate: speech ? SPEECH_RATE : null,
      ...(video && { video }),
    };
    /** Said while the line is cut. @type {Message[]} */
    this.messages = [];
    /** Typed, and not told of yet: what was on its way when the line was cut is sent again. @type {{said: Message, at: number}[]} */
    this.typed = [];
    /** @type {WebSocket | null} */
    this.socket = null;
    this.name = '';
    this.seen = 0;
    this.joined = false;
    this.attempts = 0;
    this.heard = 0;
    this.waitingSince = 0;
    this.joinedAt = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.retry = undefined;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.looking = undefined;
    this.online = () => this.#now();
    this.offline = () => this.#drop();
  }

  /** Connect, and stay connected. */
  start() {
    addEventListener('online', this.online);
    addEventListener('offline', this.offline);
    this.looking = setInterval(() => this.#look(), LOOK_MS);
    this.#open();
  }

  /** @param {Message} message */
  send(message) {
    if (this.joined) this.#say(message);
    else if (this.state !== 'gone' && this.messages.length < MOST_MESSAGES) this.messages.push(message);
  }

  /** @param {Int16Array} samples  at 16 kHz, 10 to 100 ms */
  sendAudio(samples) {
    if (this.state === 'gone') return;
    this.outbox.add((sequence) => encodeAudio(samples, sequence));
    this.#pump();
  }

  /** The push-to-talk button went down or up. @param {boolean} down @param {Party} [party] */
  talk(down, party) {
    if (this.state === 'gone') return;
    this.outbox.add((sequence) => JSON.stringify({ type: 'talk', down, sequence, ...(party && { party }) }));
    this.#pump();
  }

  /** Go for good. */
  leave() {
    if (this.joined) this.socket?.send(JSON.stringify({ type: 'leave' }));
    this.#end();
  }

  /** @param {Message} message */
  #say(message) {
    if (message.type === 'text') this.typed.push({ said: message, at: Date.now() });
    this.socket?.send(JSON.stringify(message));
  }

  /** @param {ServerMessage} message */
  #told(message) {
    if (message.type === 'error' && message.utterance === undefined && message.code !== 'peer-gone') this.typed.shift(); // it was refused
    if (message.type !== 'transcript' || !message.final) return;
    // The service tells it with single spaces.
    const place = this.typed.findIndex(({ said }) => String(said['text']).trim().replace(/\s+/g, ' ') === message.text);
    if (place >= 0) this.typed.splice(place, 1);
  }

  #sayAgain() {
    const lost = this.typed.filter(({ at }) => at < this.joinedAt);
    if (!this.joined || Date.now() - this.joinedAt < TOLD_MS) return; // it was cut once more
    this.typed = this.typed.filter((each) => !lost.includes(each));
    for (const { said } of lost) this.#say(said);
  }

  #open() {
    clearTimeout(this.retry);
    this.joined = false;
    const socket = new WebSocket(this.url, SUBPROTOCOL);
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    this.heard = Date.now();
    socket.onopen = () => socket.send(JSON.stringify(this.#joining()));
    socket.onmessage = ({ data }) => this.socket === socket && this.#receive(data);
    socket.onclose = () => this.socket === socket && this.#lost();
  }

  #joining() {
    if (!this.name) return this.join;
    return { ...this.join, connection: this.name, resume_after: this.seen, resume_audio: this.outbox.oldest };
  }

  /** @param {ArrayBuffer | string} data */
  #receive(data) {
    this.heard = Date.now();
    if (data instanceof ArrayBuffer) {
      const { utterance, event, samples } = decodeSpeech(data);
      this.seen = Math.max(this.seen, event);
      this.dispatchEvent(new CustomEvent('audio', { detail: { utterance, samples } }));
      return;
    }
    /** @type {ServerMessage} */
    const message = JSON.parse(data);
    if (message.type === 'ack') {
      this.outbox.acknowledge(message.sequence);
      this.waitingSince = Date.now();
      return;
    }
    this.#told(message);
    if (message.type === 'joined') this.#welcome(message);
    else if ('event' in message) this.seen = Math.max(this.seen, message.event ?? 0); // a newer service may tell what this page does not know
    this.dispatchEvent(new CustomEvent('message', { detail: message }));
    if (message.type === 'ended' || (message.type === 'error' && !this.joined && FATAL.has(message.code))) this.#end();
  }

  /** @param {import('./protocol.js').Joined} joined */
  #welcome(joined) {
    this.name = joined.connection;
    this.seen = Math.max(this.seen, joined.event);
    this.joined = true;
    this.joinedAt = this.waitingSince = Date.now();
    this.outbox.resume(joined.audio);
    setTimeout(() => this.#sayAgain(), TOLD_MS);
    for (const message of this.messages.splice(0)) this.#say(message);
    this.#become('open');
    this.#pump();
  }

  #pump() {
    const { socket, outbox } = this;
    if (!this.joined || socket?.readyState !== WebSocket.OPEN) return;
    if (!outbox.unconfirmed) this.waitingSince = Date.now();
    while (outbox.waiting && socket.bufferedAmount < MOST_BUFFERED) {
      socket.send(/** @type {{data: ArrayBuffer | string}} */ (outbox.take()).data);
    }
  }

  /** Send what waits, and notice a line that is dead though it looks open. */
  #look() {
    this.#pump();
    if (this.socket === null) return;
    const now = Date.now();
    const silent = this.joined && this.outbox.unconfirmed && now - this.waitingSince > SILENT_MS;
    if (silent || now - this.heard > (this.joined ? QUIET_MS : JOIN_MS)) this.#drop();
  }

  /** The network is there again, says the browser. */
  #now() {
    if (this.state !== 'gone' && this.socket === null) this.#open();
  }

  #drop() {
    if (this.state === 'gone' || this.socket === null) return;
    this.socket.close();
    this.#lost();
  }

  #lost() {
    this.socket = null;
    if (this.joined && Date.now() - this.joinedAt > STEADY_MS) this.attempts = 0;
    this.joined = false;
    if (this.state === 'gone') return;
    this.#become('lost');
    const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.attempts);
    this.attempts += 1;
    clearTimeout(this.retry);
    // Many tablets lose the same network at the same moment, and must not come back at once.
    this.retry = setTimeout(() => this.#open(), longest * (0.5 + Math.random() / 2));
  }

  #end() {
    removeEventListener('online', this.online);
    removeEventListener('offline', this.offline);
    clearInterval(this.looking);
    clearTimeout(this.retry);
    this.#become('gone');
    this.socket?.close();
    this.socket = null;
    this.joined = false;
  }

  /** @param {ConnectionState} state */
  #become(state) {
    if (this.state === state || this.state === 'gone') return;
    this.state = state;
    this.dispatchEvent(new CustomEvent('state', { detail: state }));
  }
}

function ownAddress() {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/v1/stream`;
}
