/** The waiting room of a video appointment, over as many websockets as it takes. */

/** @typedef {import('./protocol.js').Party} Party */
/** @typedef {import('./protocol.js').Messages} Messages */
/** @typedef {'consecutive' | 'simultaneous'} Interpreting */

/**
 * @typedef {object} RoomState  everything the service tells of it; of an appointment that is gone, little
 * @property {Party} role
 * @property {'early' | 'waiting' | 'open' | 'over' | 'revoked'} state
 * @property {string} id
 * @property {string} starts  ISO
 * @property {number} [minutes]
 * @property {string} [opens]
 * @property {string} [closes]
 * @property {string} [staff_language]
 * @property {string | null} [visitor_language]
 * @property {Interpreting} [interpreting]
 * @property {string} [office]
 * @property {Messages} [title]
 * @property {Record<Party, boolean>} [present]
 * @property {boolean} [ready]
 * @property {import('./views/shapes.js').Language[]} [languages]
 * @property {string} [conversation]
 * @property {string} [token]
 *
 * @typedef {{code: string, messages: Messages, retry: boolean}} Refusal
 */

const RETRY_MS = [500, 1000, 2000, 5000];

/** Close codes after which the same link is of no use here: refused, and taken by another window. */
const FINAL = new Set([1000, 1008]);

/** Events: `room`, `refused` (detail: Refusal), `state` ("lost", "open"), `closed` for good. */
export class Room extends EventTarget {
  /** @param {string} link  what stands behind the # of its address */
  constructor(link) {
    super();
    this.link = link;
    /** @type {RoomState | null} */
    this.state = null;
    /** @type {Refusal | null} why there is nothing to enter */
    this.refusal = null;
    /** @type {WebSocket | null} */
    this.socket = null;
    this.attempts = 0;
    /** Language the visitor is ready in. */
    this.language = '';
    this.left = false;
  }

  enter() {
    if (this.left) return;
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${location.host}/v1/appointments/room`);
    this.socket = socket;
    socket.onopen = () => this.#say({ type: 'enter', link: this.link });
    socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
    socket.onclose = ({ code }) => this.#closed(code);
  }

  /** The visitor has tried everything, and speaks this language. @param {string} language */
  ready(language) {
    this.language = language;
    this.#say({ type: 'ready', language });
  }

  /** Staff let the visitor in. @param {Interpreting} interpreting */
  admit(interpreting) {
    this.#say({ type: 'admit', interpreting });
  }

  /** For good. */
  leave() {
    this.left = true;
    this.#say({ type: 'leave' });
    this.socket?.close();
  }

  /** @param {Record<string, unknown>} message */
  #say(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** @param {(RoomState & {type: 'room'}) | (Refusal & {type: 'error'})} message */
  #take(message) {
    if (message.type === 'error') {
      this.refusal = message;
      this.dispatchEvent(new CustomEvent('refused', { detail: message }));
      return;
    }
    const first = this.attempts > 0 || this.state === null;
    this.attempts = 0;
    this.state = message;
    this.refusal = null;
    if (first && this.language && message.role === 'visitor') this.ready(this.language);
    this.dispatchEvent(new Event('room'));
  }

  /** @param {number} code */
  #closed(code) {
    this.socket = null;
    if (this.left) return;
    if (FINAL.has(code)) {
      this.left = true;
      this.dispatchEvent(new Event('closed'));
      return;
    }
    const wait = RETRY_MS[Math.min(this.attempts, RETRY_MS.length - 1)] ?? 0;
    this.attempts += 1;
    setTimeout(() => this.enter(), wait * (0.5 + Math.random() / 2));
    this.dispatchEvent(new Event('room'));
  }

  /** Whether the service is reached at the moment. */
  get reached() {
    return this.socket?.readyState === WebSocket.OPEN;
  }
}
