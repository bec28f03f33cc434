/**
 * How much picture a line carries: all, less, or none, so that voices and words come through. Pure.
 *
 * The numbers, in bits a second: what must get through is the voice for the other person (Opus, about 40
 * kbit/s with headers) and, over the websocket, the sound for the interpreter (16 kHz PCM16: 256) and
 * captions (next to nothing). A face at 640x480 looks good with 1000 and bad below 500; the same at a quarter of
 * the pixels looks good with 250 and freezes below 150. The browser's own estimate already leaves room for
 * what else runs over the line, so a picture is made smaller where the estimate falls below what it needs.
 */

/** @typedef {'full' | 'reduced' | 'none'} Level */

/**
 * @typedef {object} Sample  of what is sent to one peer
 * @property {number | null} available  bits a second that the browser believes the line carries
 * @property {number | null} lost  of the packets sent lately, 0 to 1, as the peer reports
 * @property {number | null} delay  seconds to the peer and back
 */

/** @type {Level[]} */
const LEVELS = ['none', 'reduced', 'full'];

/** What a picture may take at most. A shared document is what one looks at, so it stays, and moves less. */
export const BITRATES = {
  full: { camera: 1_000_000, screen: 1_500_000 },
  reduced: { camera: 250_000, screen: 400_000 },
  none: { camera: 0, screen: 100_000 },
};

/** Below this a level does not look like anything any more. */
const ENOUGH = { full: 500_000, reduced: 150_000, none: 0 };

/** With this much a face may be tried at full size: the browser probes to twice what it sends, no further. */
const TRY_FULL = 400_000;

/** Opus repairs 10 % lost packets so that hardly anybody notices; a picture freezes all the time. */
const MUCH_LOST = 0.1;
const LITTLE_LOST = 0.02;

/** Seconds by which a full queue somewhere delays what it did not before; beyond, people interrupt each other. */
const QUEUED = 0.5;

/** Samples in a row (of 2 s) that have to agree: down soon, up only when it is sure. */
const DOWN = 3;
const UP = 10;
const LONGEST_UP = 60;

/** Takes a sample every two seconds, and decides. */
export class Bandwidth {
  constructor() {
    /** @type {Level} */
    this.level = 'full';
    this.bad = 0;
    this.good = 0;
    this.shortest = Infinity;
    /** Doubles each time the line did not bear more after all. */
    this.patience = UP;
    this.tried = false;
  }

  /** @param {Sample} sample @returns {Level} */
  take({ available, lost, delay }) {
    // Without a picture nothing probes the line, and the browser's estimate says little.
    const short = this.level !== 'none' && available !== null && available < ENOUGH[this.level];
    this.shortest = Math.min(this.shortest, delay ?? Infinity);
    const queued = delay !== null && delay > this.shortest + QUEUED;
    if (short || queued || (lost ?? 0) > MUCH_LOST) {
      this.bad += 1;
      this.good = 0;
    } else {
      this.bad = 0;
      const more = this.level !== 'reduced' || available === null || available >= TRY_FULL;
      this.good = more && (lost ?? 0) <= LITTLE_LOST ? this.good + 1 : 0;
    }
    if (this.bad >= DOWN) this.#step(-1);
    else if (this.good >= this.patience) this.#step(1);
    return this.level;
  }

  /** Another way through the network is another line. */
  forget() {
    this.bad = this.good = 0;
    this.shortest = Infinity;
    this.patience = UP;
    this.tried = false;
  }

  /** @param {1 | -1} by */
  #step(by) {
    const level = LEVELS[LEVELS.indexOf(this.level) + by];
    this.bad = this.good = 0;
    if (!level) {
      if (by > 0) this.patience = UP; // everything fits, and has for a while
      return;
    }
    if (by < 0 && this.tried) this.patience = Math.min(LONGEST_UP, 2 * this.patience);
    this.tried = by > 0;
    this.level = level;
  }
}
