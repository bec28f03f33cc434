/** Plays pieces of voices one after the other, counts what really came out, and shows when a voice sounds. */

/// <reference path="./worklet.d.ts" />

/** @typedef {{utterance: number, pieces: Float32Array[], place: number, queued: number, played: number, ended: boolean, started: boolean}} Voice */

/** Seconds that have to be there before a voice begins, so that the next ones come in time. */
const JITTER_SECONDS = 0.08;
const REPORT_SECONDS = 0.25;

class Playback extends AudioWorkletProcessor {
  constructor() {
    super();
    /** @type {Voice[]} */
    this.voices = [];
    /** @type {Set<number>} stopped voices of which more may be on its way */
    this.silenced = new Set();
    this.reported = 0;
    this.port.onmessage = ({ data }) => this.take(data);
  }

  /** @param {{what: 'begin' | 'push' | 'end' | 'stop', utterance: number, samples?: Float32Array}} order */
  take({ what, utterance, samples }) {
    if (what === 'stop') return this.stop(utterance);
    const known = this.voices.findLast((voice) => voice.utterance === utterance && !voice.ended);
    if (what === 'begin' || what === 'end') this.silenced.delete(utterance);
    if (what === 'end') {
      if (known) known.ended = true;
      return;
    }
    if (this.silenced.has(utterance)) return;
    if (what === 'begin' || !known) {
      this.voices.push({ utterance, pieces: [], place: 0, queued: 0, played: 0, ended: false, started: false });
    }
    const voice = known ?? this.voices.at(-1);
    if (samples && voice) {
      voice.pieces.push(samples);
      voice.queued += samples.length;
    }
  }

  /** Drop a voice, and what still comes of it. @param {number} utterance */
  stop(utterance) {
    for (const voice of this.voices.filter((each) => each.utterance === utterance)) {
      if (!voice.ended) this.silenced.add(utterance);
      this.tell(voice, true);
    }
    this.voices = this.voices.filter((voice) => voice.utterance !== utterance);
  }

  /** @param {Float32Array[][]} _ @param {Float32Array[][]} outputs */
  process(_, outputs) {
    const out = outputs[0]?.[0];
    const sounding = outputs[1]?.[0];
    if (!out) return true;
    let filled = 0;
    let voice = this.voices[0];
    while (voice && filled < out.length) {
      if (!voice.started && !voice.ended && voice.queued < JITTER_SECONDS * sampleRate) break;
      voice.started = true;
      const piece = voice.pieces[0];
      if (!piece) {
        if (!voice.ended) {
          voice.started = false; // it came too slowly: gather a little again, or it stutters
          break;
        }
        this.voices.shift();
        this.tell(voice, true);
        voice = this.voices[0];
        continue;
      }
      const part = piece.subarray(voice.place, voice.place + out.length - filled);
      out.set(part, filled);
      sounding?.fill(1, filled, filled + part.length);
      filled += part.length;
      voice.played += part.length;
      voice.queued -= part.length;
      voice.place += part.length;
      if (voice.place >= piece.length) {
        voice.pieces.shift();
        voice.place = 0;
      }
    }
    this.reported += out.length;
    if (voice && voice.played > 0 && this.reported >= REPORT_SECONDS * sampleRate) this.tell(voice, false);
    return true;
  }

  /** @param {Voice} voice @param {boolean} done */
  tell({ utterance, played }, done) {
    this.reported = 0;
    this.port.postMessage({ utterance, milliseconds: Math.floor((1000 * played) / sampleRate), done });
  }
}

registerProcessor('playback', Playback);
