/** Stands in for room.js: a test puts the waiting room's state, and reads what the page asked for. */

export class Room extends EventTarget {
  constructor(link) {
    super();
    this.link = link;
    this.state = null;
    this.refusal = null;
    this.reached = true;
    this.left = false;
    this.asked = [];
    globalThis.room = this;
  }

  enter() { this.asked.push(['enter']); }
  ready(language) { this.asked.push(['ready', language]); }
  admit(interpreting) { this.asked.push(['admit', interpreting]); }

  leave() {
    this.left = true;
    this.asked.push(['leave']);
  }

  put(state, reached = true) {
    this.state = { ...this.state, ...state };
    this.reached = reached;
    this.dispatchEvent(new Event('room'));
  }

  /** The service refuses; with `closed` for good. */
  refuse(code, text, closed) {
    this.refusal = { code, messages: { en: text, de: text }, retry: !closed };
    this.dispatchEvent(new CustomEvent('refused', { detail: this.refusal }));
    if (!closed) return;
    this.left = true;
    this.dispatchEvent(new Event('closed'));
  }
}
