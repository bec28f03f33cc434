/** The loudspeaker: voices in the order in which they come, and what has really been heard of them. */

import { SPEECH_RATE } from './protocol.js';

/** @typedef {{utterance: number, milliseconds: number, done: boolean}} Played */

/** What browsers take for a tap, after which sound may be heard; a finger counts when it is lifted. */
export const GESTURES = /** @type {const} */ (['pointerdown', 'pointerup', 'keydown']);

/** Event `played` (detail: Played): every 250 ms while a voice is heard, and when it is done or stopped. */
export class Player extends EventTarget {
  constructor() {
    super();
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {AudioWorkletNode | null} */
    this.node = null;
    /** @type {Promise<void> | null} */
    this.opening = null;
    /**
     * Where voices go: output 0 is their sound, output 1 is 1 while one sounds and else 0.
     * @type {(node: AudioWorkletNode) => Promise<void> | void}
     */
    this.outlet = (node) => void node.connect(node.context.destination);
  }

  /** Make ready to be heard. Browsers allow it in the course of a tap only, and again after a call came in. */
  async resume() {
    this.opening ??= this.#open().catch((error) => {
      this.close(); // the next tap tries again
      throw error;
    });
    await this.opening;
    // Without a tap this waits for one; what comes meanwhile is queued, and heard then.
    this.context?.resume().catch(() => undefined);
  }

  /** A voice follows; once more, perhaps. @param {number} utterance */
  begin(utterance) {
    if (!this.node) this.#tell({ utterance, milliseconds: 0, done: true }); // there is no loudspeaker here
    this.#order({ what: 'begin', utterance });
  }

  /** @param {number} utterance @param {Int16Array} samples  at 24 kHz */
  push(utterance, samples) {
    const floats = Float32Array.from(samples, (sample) => sample / 32768);
    this.#order({ what: 'push', utterance, samples: floats }, [floats.buffer]);
  }

  /** That voice is complete. @param {number} utterance */
  end(utterance) {
    this.#order({ what: 'end', utterance });
  }

  /** Drop that voice at once, and what may still come of it. @param {number} utterance */
  stop(utterance) {
    this.#order({ what: 'stop', utterance });
  }

  close() {
    this.context?.close().catch(() => undefined);
    this.context = this.node = this.opening = null;
  }

  async #open() {
    const context = new AudioContext({ sampleRate: SPEECH_RATE, latencyHint: 'interactive' });
    this.context = context;
    await context.audioWorklet.addModule(new URL('./playback-worklet.js', import.meta.url));
    const node = new AudioWorkletNode(context, 'playback', { numberOfInputs: 0, numberOfOutputs: 2, outputChannelCount: [1, 1] });
    node.port.onmessage = ({ data }) => this.#tell(data);
    await this.outlet(node);
    this.node = node;
  }

  /** @param {Played} played */
  #tell(played) {
    this.dispatchEvent(new CustomEvent('played', { detail: played }));
  }

  /** @param {object} order @param {Transferable[]} [moved] */
  #order(order, moved = []) {
    this.node?.port.postMessage(order, moved);
  }
}
