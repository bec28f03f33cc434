/** What was said, line by line, put together from the messages of a conversation. Pure. */

/** @typedef {import('./protocol.js').Party} Party */
/** @typedef {import('./protocol.js').ServerMessage} ServerMessage */

/**
 * @typedef {object} Said  one end of a line
 * @property {string} language
 * @property {string} text
 * @property {number} committed  characters that will not change any more
 * @property {boolean} final
 *
 * @typedef {Said & {confidence: number, revision: number}} Source
 * @typedef {Said & {quality: import('./protocol.js').Quality, engine: string}} Target
 *
 * @typedef {object} Line
 * @property {number} utterance
 * @property {Party} party  who said it
 * @property {Source} source
 * @property {Target | null} target
 * @property {string | null} plain  what was translated in place of it, in plain language
 * @property {import('./protocol.js').Fact[]} facts
 * @property {string[]} flags
 * @property {boolean} confirmed
 * @property {{text: string, similarity: number, doubtful: boolean} | null} back
 * @property {'none' | 'speaking' | 'done' | 'stopped'} spoken
 * @property {Date} at
 * @property {string | null} failed  code of why it was not interpreted
 */

/** Notices that say that nothing was said after all. */
const NOTHING = ['please-repeat', 'nothing-heard', 'echo-suppressed'];

/**
 * The lines after a message; the same array where it changes none of them.
 * @param {readonly Line[]} lines
 * @param {ServerMessage} message
 * @returns {readonly Line[]}
 */
export function withMessage(lines, message) {
  switch (message.type) {
    case 'transcript': {
      const source = {
        language: message.language,
        text: message.text,
        committed: message.committed,
        final: message.final,
        confidence: message.confidence,
        revision: message.revision,
      };
      const known = lines.find(({ utterance }) => utterance === message.utterance);
      if (known && known.source.revision > message.revision) return lines;
      // Whoever it was taken for, and what it was taken to mean, is void when it was heard anew.
      const anew = !known || (known.source.final && known.source.revision < message.revision);
      const line = anew ? fresh(message.utterance, message.party, source, known?.at) : { ...known, party: message.party, source };
      return put(lines, line);
    }
    case 'translation':
      return change(lines, message.utterance, (line) => ({
        ...line,
        target: {
          language: message.target,
          text: message.text,
          committed: message.committed,
          final: message.final,
          quality: message.quality,
          engine: message.engine,
        },
        facts: message.facts ?? [],
        flags: message.flags ?? [],
        confirmed: message.confirmed ?? false,
        failed: null,
      }));
    case 'rephrased':
      return change(lines, message.utterance, (line) => ({ ...line, plain: message.text }));
    case 'back_translation':
      return change(lines, message.utterance, (line) => ({
        ...line,
        back: { text: message.text, similarity: message.similarity, doubtful: message.doubtful },
      }));
    case 'notice':
      return NOTHING.includes(message.code) ? without(lines, message.utterance) : lines;
    case 'error':
      return change(lines, message.utterance, (line) => (line.target?.final ? line : { ...line, failed: message.code }));
    default:
      return lines;
  }
}

/**
 * How far the voice of a line has come.
 * @param {readonly Line[]} lines
 * @param {number} utterance
 * @param {Line['spoken']} spoken
 */
export function withVoice(lines, utterance, spoken) {
  return change(lines, utterance, (line) => (line.spoken === spoken ? line : { ...line, spoken }));
}

/**
 * @param {number} utterance
 * @param {Party} party
 * @param {Source} source
 * @param {Date} [at]
 * @returns {Line}
 */
function fresh(utterance, party, source, at = new Date()) {
  return { utterance, party, source, target: null, plain: null, facts: [], flags: [], confirmed: false, back: null, spoken: 'none', at, failed: null };
}

/** @param {readonly Line[]} lines @param {Line} line */
function put(lines, line) {
  const others = lines.filter(({ utterance }) => utterance !== line.utterance);
  const place = others.findIndex(({ utterance }) => utterance > line.utterance);
  return others.toSpliced(place < 0 ? others.length : place, 0, line);
}

/**
 * @param {readonly Line[]} lines
 * @param {number | undefined} utterance
 * @param {(line: Line) => Line} by
 */
function change(lines, utterance, by) {
  const place = lines.findIndex((line) => line.utterance === utterance);
  if (place < 0) return lines;
  const line = /** @type {Line} */ (lines[place]);
  const changed = by(line);
  return changed === line ? lines : lines.with(place, changed);
}

/** What was not confirmed by a final transcript. @param {readonly Line[]} lines @param {number | undefined} utterance */
function without(lines, utterance) {
  return lines.filter((line) => line.utterance !== utterance || line.source.final);
}
