/**
 * Mixes the voice that interprets with the voices of people, sample by sample.
 *
 * Inputs: 0 the interpreting voice, 1 whether it sounds, 2 originals it stands for, 3 other people.
 * The interpreting voice comes out as it went in, always. While it sounds, input 2 is lowered to
 * `level`. A limiter then gives people whatever room the voice leaves below full scale: it acts at once
 * where there is too little, and lets go slowly, so that nothing is clipped and nothing pumps.
 */

/// <reference path="../worklet.d.ts" />

/** Seconds from full to nothing and back: down without a click, up without a jolt. */
const DOWN_SECONDS = 0.06;
const UP_SECONDS = 0.4;

/** Between two sentences the original does not come up. */
const HOLD_SECONDS = 0.3;

/** A tenth below full scale, for what resampling for the loudspeaker may add between two samples. */
const CEILING = 0.9;
const RELEASE_SECONDS = 0.2;

class Ducking extends AudioWorkletProcessor {
  static get parameterDescriptors() {
    return [{ name: 'level', defaultValue: 0.15, minValue: 0, maxValue: 1, automationRate: 'k-rate' }];
  }

  constructor() {
    super();
    this.gain = 1;
    this.limit = 1;
    /** Samples for which originals stay low. */
    this.low = 0;
  }

  /**
   * @param {Float32Array[][]} inputs
   * @param {Float32Array[][]} outputs
   * @param {Record<string, Float32Array>} parameters
   */
  process(inputs, outputs, parameters) {
    const out = outputs[0]?.[0];
    const level = parameters.level?.[0] ?? 1;
    const [voice, sounding, originals, others] = inputs.map((input) => input[0]);
    for (let at = 0; out && at < out.length; at += 1) {
      this.glide(level, (sounding?.[at] ?? 0) > 0);
      const people = (originals?.[at] ?? 0) * this.gain + (others?.[at] ?? 0);
      out[at] = this.sum(voice?.[at] ?? 0, people);
    }
    return true;
  }

  /** @param {number} level @param {boolean} sounding */
  glide(level, sounding) {
    this.low = sounding ? HOLD_SECONDS * sampleRate : this.low - 1;
    const wanted = this.low > 0 ? level : 1;
    const down = Math.max(wanted, this.gain - 1 / (DOWN_SECONDS * sampleRate));
    this.gain = wanted < this.gain ? down : Math.min(wanted, this.gain + 1 / (UP_SECONDS * sampleRate));
  }

  /** @param {number} voice @param {number} people */
  sum(voice, people) {
    const room = Math.max(0, CEILING - Math.abs(voice));
    const loud = Math.abs(people);
    this.limit = Math.min(1, this.limit + 1 / (RELEASE_SECONDS * sampleRate));
    if (loud * this.limit > room) this.limit = room / loud;
    return voice + people * this.limit;
  }
}

registerProcessor('ducking', Ducking);
