/** What was sent and has not arrived for certain yet: microphone frames and button presses, numbered. */

/** @typedef {{sequence: number, data: ArrayBuffer | string}} Entry */

/** A minute of frames of 20 ms; the oldest go first, and the server is told so on resuming. */
const MOST = 3000;

export class Outbox {
  constructor() {
    /** @type {Entry[]} */
    this.entries = [];
    this.next = 0;
    /** Place in `entries` of the next one to be sent on the current websocket. */
    this.unsent = 0;
    /** Entries that had to be thrown away. */
    this.dropped = 0;
  }

  /** The oldest sequence that can still be sent again. */
  get oldest() {
    return this.entries[0]?.sequence ?? this.next;
  }

  /** @param {(sequence: number) => ArrayBuffer | string} make */
  add(make) {
    this.entries.push({ sequence: this.next, data: make(this.next) });
    this.next += 1;
    if (this.entries.length > MOST) {
      this.entries.shift();
      this.unsent = Math.max(0, this.unsent - 1);
      this.dropped += 1;
    }
  }

  /** All up to this sequence have arrived. @param {number} sequence */
  acknowledge(sequence) {
    let arrived = 0;
    while (arrived < this.entries.length && /** @type {Entry} */ (this.entries[arrived]).sequence <= sequence) arrived += 1;
    this.entries.splice(0, arrived);
    this.unsent = Math.max(0, this.unsent - arrived);
  }

  /** On a new websocket: the server expects this sequence next. @param {number} sequence */
  resume(sequence) {
    this.acknowledge(sequence - 1);
    this.next = Math.max(this.next, sequence);
    this.unsent = 0;
  }

  /** @returns {Entry | undefined} the next one to be sent; it counts as sent then */
  take() {
    const entry = this.entries[this.unsent];
    if (entry) this.unsent += 1;
    return entry;
  }

  /** Whether something waits to be sent. */
  get waiting() {
    return this.unsent < this.entries.length;
  }

  /** Whether something was sent that has not arrived for certain. */
  get unconfirmed() {
    return this.unsent > 0;
  }
}
