/** What is done at this moment: who is listened to, what is thought about, whose voices are heard. Pure. */

/** @typedef {import('./protocol.js').Party} Party */
/** @typedef {import('./protocol.js').ServerMessage} ServerMessage */
/** @typedef {'idle' | 'listening' | 'thinking' | 'speaking'} Activity */

export class Doing {
  constructor() {
    /** @type {Map<number, Party | null>} utterances that are being said, and by whom */
    this.hearing = new Map();
    /** @type {Map<number, Party>} utterances that are being translated, and who said them */
    this.thinking = new Map();
    /** @type {Map<number, Party>} voices that are being played, and to whom they speak */
    this.voices = new Map();
  }

  /** @returns {Activity} */
  get activity() {
    if (this.voices.size) return 'speaking';
    if (this.hearing.size) return 'listening';
    return this.thinking.size ? 'thinking' : 'idle';
  }

  /** Who is listened to, or whose words are thought about. @returns {Party | null} */
  get speaker() {
    const those = this.hearing.size ? this.hearing : this.thinking;
    return [...those.values()].at(-1) ?? null;
  }

  /** @param {ServerMessage} message */
  take(message) {
    switch (message.type) {
      case 'speech_started':
        this.hearing.set(message.utterance, message.party ?? null);
        break;
      case 'transcript':
        if (message.final) {
          this.hearing.delete(message.utterance);
          this.thinking.set(message.utterance, message.party);
        } else {
          this.hearing.set(message.utterance, message.party);
        }
        break;
      case 'translation':
        if (message.final) this.thinking.delete(message.utterance);
        break;
      case 'notice':
      case 'error':
        if (message.code === 'events-lost') this.forget();
        if (message.utterance === undefined) break;
        this.hearing.delete(message.utterance);
        if (message.type === 'error') this.thinking.delete(message.utterance);
        break;
      case 'handover':
        // From then on a person interprets, and nobody waits for the machine.
        if (message.state === 'active') this.forget();
        break;
      case 'speech':
        this.voices.set(message.utterance, message.party);
        break;
    }
  }

  /** How it went on will not be told; voices end by themselves. */
  forget() {
    this.hearing.clear();
    this.thinking.clear();
  }

  /** The voices to this party; all without. @param {Party} [party] @returns {number[]} */
  voicesTo(party) {
    return [...this.voices].filter(([, listener]) => !party || listener === party).map(([utterance]) => utterance);
  }
}
