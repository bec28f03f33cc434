/**
 * The messages of protocol `interpreter.v1`, as types, and its binary frames.
 * What they mean is told in clients/PROTOCOL.md.
 *
 * @typedef {'staff' | 'visitor'} Party
 * @typedef {'own_microphone' | 'shared_microphone' | 'push_to_talk'} TurnTaking
 * @typedef {'native' | 'good' | 'basic' | 'demonstration'} Quality
 * @typedef {Record<string, string>} Messages  the same sentence by language
 *
 * @typedef {object} PartyState
 * @property {string} language
 * @property {string} name
 * @property {'ltr' | 'rtl'} direction
 * @property {boolean} connected
 * @property {boolean | null} consent
 * @property {boolean | null} record
 * @property {Quality | null} translation
 * @property {string | null} voice
 *
 * @typedef {object} Fact
 * @property {string} kind
 * @property {'kept' | 'missing' | 'changed' | 'added'} status
 * @property {string} value
 * @property {string} [source]
 * @property {string} [target]
 * @property {string} [found]
 *
 * @typedef {object} CardMessage
 * @property {'card'} type
 * @property {number} event
 * @property {string} card
 * @property {string} [value]
 * @property {string} [picture]
 * @property {Messages} [messages]
 *
 * @typedef {object} HandoverMessage
 * @property {'handover'} type
 * @property {number} event
 * @property {'proposed' | 'active' | 'over'} state
 * @property {'asked' | 'checks' | 'subject' | 'staff' | 'interpreter'} reason
 * @property {Messages} messages
 * @property {string} [subject]
 * @property {{name?: string, phone?: string, link?: string}} [contact]
 *
 * @typedef {object} Joined
 * @property {'joined'} type
 * @property {number} event
 * @property {string} conversation
 * @property {string} connection
 * @property {Party[]} you
 * @property {Record<Party, PartyState>} parties
 * @property {number} audio
 * @property {Messages} notice
 * @property {boolean} consent_required
 * @property {number} longest_utterance_seconds
 * @property {string} [office]
 * @property {boolean} [plain]
 * @property {HandoverMessage} [handover]
 * @property {CardMessage} [card]
 * @property {Role} [role]  staff where it is left out
 * @property {boolean} [simultaneous]
 *
 * @typedef {'staff' | 'visitor' | 'shared' | 'colleague' | 'interpreter'} Role
 * @typedef {{connection: string, role: Role, parties: Party[], polite: boolean, away?: boolean}} PeerState
 * @typedef {{camera: boolean, microphone: boolean, screen?: boolean, narrow?: boolean}} Showing
 * @typedef {{description?: RTCSessionDescriptionInit, candidate?: RTCIceCandidateInit, media?: Showing}} Signalled  one of them
 * @typedef {{type: 'interpreting', event: number, simultaneous: boolean}} Interpreting
 * @typedef {{type: 'peers', peers: PeerState[]}} Peers
 * @typedef {{type: 'signal', from: string} & Signalled} Signal
 * @typedef {{type: 'relays', servers: RTCIceServer[], seconds: number}} Relays
 *
 * @typedef {object} Transcript
 * @property {'transcript'} type
 * @property {number} event
 * @property {number} utterance
 * @property {number} revision
 * @property {Party} party
 * @property {string} language
 * @property {string} text
 * @property {number} committed
 * @property {number} confidence
 * @property {boolean} final
 *
 * @typedef {object} Translation
 * @property {'translation'} type
 * @property {number} event
 * @property {number} utterance
 * @property {number} revision
 * @property {Party} party
 * @property {string} source
 * @property {string} target
 * @property {string} text
 * @property {number} committed
 * @property {string} engine
 * @property {Quality} quality
 * @property {boolean} final
 * @property {string[]} [flags]
 * @property {Fact[]} [facts]
 * @property {boolean} [confirmed]
 *
 * @typedef {{type: 'back_translation', event: number, utterance: number, revision: number, party: Party, text: string, engine: string, similarity: number, doubtful: boolean}} BackTranslation
 * @typedef {{type: 'rephrased', event: number, utterance: number, revision: number, text: string, engine: string}} Rephrased
 * @typedef {{type: 'plain', event: number, on: boolean}} Plain
 * @typedef {{type: 'party', event: number, party: Party, state: string, language: string, consent?: boolean, record?: boolean}} PartyMessage
 * @typedef {{type: 'speech_started', event: number, utterance: number, party?: Party}} SpeechStarted
 * @typedef {{type: 'speech', event: number, utterance: number, party: Party, rate: number, voice: string, language: string, repeated?: boolean}} Speech
 * @typedef {{type: 'speech_end', event: number, utterance: number, party: Party, text: string, seconds: number, stopped?: boolean}} SpeechEnd
 * @typedef {{type: 'timing', event: number, utterance: number}} Timing
 * @typedef {{type: 'notice', event: number, code: string, messages: Messages, utterance?: number, party?: Party}} Notice
 * @typedef {{type: 'error', event: number, code: string, messages: Messages, retry?: boolean, utterance?: number, detail?: string}} Failure
 * @typedef {{type: 'ack', sequence: number}} Ack
 * @typedef {{type: 'ended', event: number, reason: string, messages: Messages}} Ended
 *
 * @typedef {Joined | Transcript | Translation | BackTranslation | Rephrased | Plain | PartyMessage | SpeechStarted | Speech | SpeechEnd | Timing | CardMessage | HandoverMessage | Notice | Failure | Ack | Ended | Interpreting | Peers | Signal | Relays} ServerMessage
 *
 * @typedef {object} ClientMessage
 * @property {string} type
 */

export const SUBPROTOCOL = 'interpreter.v1';

/** Hertz of what the microphone sends. */
export const MICROPHONE_RATE = 16000;

/** Hertz of the voices that come. */
export const SPEECH_RATE = 24000;

const HEADER_BYTES = 8;
const AUDIO = 1;

/**
 * A microphone's binary frame.
 * @param {Int16Array} samples
 * @param {number} sequence
 * @returns {ArrayBuffer}
 */
export function encodeAudio(samples, sequence) {
  const frame = new ArrayBuffer(HEADER_BYTES + 2 * samples.length);
  const view = new DataView(frame);
  view.setUint8(0, AUDIO);
  view.setUint32(4, sequence);
  // PCM16 little-endian, whatever this machine's own order is.
  samples.forEach((sample, place) => view.setInt16(HEADER_BYTES + 2 * place, sample, true));
  return frame;
}

/**
 * A piece of a voice.
 * @param {ArrayBuffer} frame
 * @returns {{utterance: number, event: number, samples: Int16Array}}
 */
export function decodeSpeech(frame) {
  const view = new DataView(frame);
  const samples = new Int16Array((frame.byteLength - HEADER_BYTES) >> 1);
  for (let place = 0; place < samples.length; place += 1) {
    samples[place] = view.getInt16(HEADER_BYTES + 2 * place, true);
  }
  return { utterance: view.getUint16(2), event: view.getUint32(4), samples };
}
