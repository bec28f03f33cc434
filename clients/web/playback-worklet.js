/** Plays pieces of voices one after the other, and counts what really came out. */

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
    this.reported = 0;
    this.port.onmessage = ({ data }) => this.take(data);
  }

  /** @param {{what: 'begin' | 'push' | 'end' | 'stop', utterance: number, samples?: Float32Array}} order */
  take({ what, utterance, samples }) {
    if (what === 'stop') {
      const stopped = this.voices.filter((voice) => utterance === -1 || voice.utterance === utterance);
      this.voices = this.voices.filter((voice) => !stopped.includes(voice));
      for (const voice of stopped) this.tell(voice, true);
      return;
    }
    const known = this.voices.findLast((voice) => voice.utterance === utterance && !voice.ended);
    if (what === 'end') {
      if (known) known.ended = true;
      return;
    }
    if (what === 'begin' || !known) {
      this.voices.push({ utterance, pieces: [], place: 0, queued: 0, played: 0, ended: false, started: false });
    }
    const voice = known ?? this.voices.at(-1);
    if (samples && voice) {
      voice.pieces.push(samples);
      voice.queued += samples.length;
    }
  }

  /** @param {Float32Array[][]} _ @param {Float32Array[][]} outputs */
  process(_, outputs) {
    const out = outputs[0]?.[0];
    if (!out) return true;
    let filled = 0;
    let voice = this.voices[0];
    while (voice && filled < out.length) {
      if (!voice.started && !voice.ended && voice.queued < JITTER_SECONDS * sampleRate) break;
      voice.started = true;
      const piece = voice.pieces[0];
      if (!piece) {
        if (!voice.ended) break;
        this.voices.shift();
        this.tell(voice, true);
        voice = this.voices[0];
        continue;
      }
      const part = piece.subarray(voice.place, voice.place + out.length - filled);
      out.set(part, filled);
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
