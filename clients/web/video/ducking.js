/**
 * What one hears in a call: the voice that interprets, and behind it the people themselves.
 *
 * All of it is mixed in the audio context of the interpreting voice, by a worklet that sees the very
 * samples in which that voice sounds. So no timer is needed, which a page in the background would not
 * get, and the sum is known.
 */

/** How loud originals are while the interpretation sounds: one still hears how something is said. */
export const DUCKED = 0.15;

/** Inputs of the worklet. */
const VOICE = 0;
const SOUNDING = 1;
const ORIGINALS = 2;
const OTHERS = 3;

/** @typedef {{source: MediaStreamAudioSourceNode | null, sink: HTMLAudioElement, lowered: boolean}} Original */

export class Mixer {
  constructor() {
    this.level = DUCKED;
    this.speaker = '';
    /** @type {Map<MediaStream, Original>} */
    this.originals = new Map();
    /** @type {AudioWorkletNode | null} */
    this.node = null;
  }

  /** Take what the player plays (`Player.outlet`), and play the mixture. @param {AudioNode} player */
  async attach(player) {
    const { context } = player;
    await context.audioWorklet.addModule(new URL('./ducking-worklet.js', import.meta.url));
    const mono = { channelCount: 1, channelCountMode: /** @type {const} */ ('explicit'), outputChannelCount: [1] };
    this.node = new AudioWorkletNode(context, 'ducking', { numberOfInputs: 4, ...mono, parameterData: { level: this.level } });
    player.connect(this.node, 0, VOICE);
    player.connect(this.node, 1, SOUNDING);
    this.node.connect(context.destination);
    this.#choose();
    for (const [stream, { lowered }] of [...this.originals]) {
      this.remove(stream);
      this.add(stream, lowered);
    }
  }

  /**
   * Somebody is heard from now on.
   * @param {MediaStream} stream
   * @param {boolean} lowered  while an interpretation sounds, which is theirs
   */
  add(stream, lowered) {
    if (this.originals.has(stream)) return;
    // Chromium gives nothing to a source unless an element plays the same stream.
    const sink = new Audio();
    sink.muted = true;
    sink.srcObject = stream;
    this.originals.set(stream, { source: this.#mix(stream, sink, lowered), sink, lowered });
    void sink.play().catch(() => undefined);
  }

  /** @param {MediaStream} stream */
  remove(stream) {
    const original = this.originals.get(stream);
    if (!original) return;
    original.source?.disconnect();
    original.sink.srcObject = null;
    this.originals.delete(stream);
  }

  /** @param {number} level  of originals under the interpretation, 0 to 1; 1: not lowered at all */
  setLevel(level) {
    this.level = Math.max(0, Math.min(1, level));
    const parameter = this.node?.parameters.get('level');
    if (parameter) parameter.value = this.level;
  }

  /** Which loudspeaker, where the browser lets pages choose. @param {string} id  empty: the system's choice */
  setSpeaker(id) {
    if (id === this.speaker) return;
    this.speaker = id;
    this.#choose();
  }

  /** @param {MediaStream} stream @param {HTMLAudioElement} sink @param {boolean} lowered */
  #mix(stream, sink, lowered) {
    const { node } = this;
    if (!node || !(node.context instanceof AudioContext)) return null; // once it is there
    try {
      const source = node.context.createMediaStreamSource(stream);
      source.connect(node, 0, lowered ? ORIGINALS : OTHERS);
      return source;
    } catch {
      // A browser that cannot bring it to the rate of voices still lets the person be heard.
      sink.muted = false;
      return null;
    }
  }

  #choose() {
    const context = /** @type {{setSinkId?: (id: string) => Promise<void>, resume: () => Promise<void>} | undefined} */ (/** @type {unknown} */ (this.node?.context));
    // A loudspeaker that was pulled out leaves it suspended.
    const chosen = context?.setSinkId?.(this.speaker).then(() => context.resume());
    chosen?.catch(() => undefined);
  }
}
