/** What a page knows of its conversation, and what the service's messages change in it. Pure. */

/** @typedef {import('./lines.js').Line} Line */
/** @typedef {import('./protocol.js').Party} Party */
/** @typedef {import('./protocol.js').PartyState} PartyState */
/** @typedef {import('./protocol.js').ServerMessage} ServerMessage */
/** @typedef {import('./protocol.js').Messages} Messages */
/** @typedef {'line' | 'status' | 'parties' | 'notice' | 'connection' | 'card' | 'handover' | 'plain' | 'interpreting' | 'microphone' | 'ended'} Change */
/** @typedef {{code: string, messages: Messages, utterance?: number | undefined, party?: Party | undefined}} News */

/**
 * @typedef {object} State
 * @property {readonly Line[]} lines  in the order in which they were said
 * @property {import('./doing.js').Activity} activity
 * @property {Party | null} speaker  who is listened to, or whose words are thought about
 * @property {string} name  of the conversation; empty before it was joined
 * @property {string} office
 * @property {Record<Party, PartyState> | null} parties
 * @property {Messages | null} notice  what everybody must know before they speak
 * @property {News[]} notices  the last one of each code
 * @property {import('./connection.js').ConnectionState} connection
 * @property {string | null} ended  why it ended
 * @property {Messages | null} endedMessages
 * @property {import('./protocol.js').CardMessage | null} card
 * @property {import('./protocol.js').HandoverMessage | null} handover  null while the machine interprets
 * @property {boolean | null} plain  null where plain language is not to be had
 * @property {import('./protocol.js').Role} role  as whom this page joined
 * @property {boolean} simultaneous  whether people are interpreted while they speak
 * @property {import('./capture.js').MicrophoneError | null} microphone  why the microphone stopped working
 * @property {{consent: Record<Party, boolean | null>, record: Record<Party, boolean | null>}} agreed
 */

/**
 * Whether the machine does not listen, since a person interprets. Where one is in the call it shows captions.
 * @param {State['handover']} handover
 */
export function deaf(handover) {
  return handover?.state === 'active' && handover.reason !== 'interpreter';
}

/** What takes a lasting notice back. @type {Record<string, string>} */
const RECOVERS = { 'translation-recovered': 'translation-degraded', 'machine-recovered': 'machine-behind' };

/** Before anything is known. @returns {State} */
export function atFirst() {
  return {
    lines: [],
    activity: 'idle',
    speaker: null,
    name: '',
    office: '',
    parties: null,
    notice: null,
    notices: [],
    connection: 'connecting',
    ended: null,
    endedMessages: null,
    card: null,
    handover: null,
    plain: null,
    role: 'staff',
    simultaneous: false,
    microphone: null,
    agreed: { consent: { staff: null, visitor: null }, record: { staff: null, visitor: null } },
  };
}

/** @param {import('./protocol.js').Joined} joined @returns {Partial<State>} */
export function welcomed({ conversation, office, parties, notice, plain, handover, card, role, simultaneous }) {
  const { staff, visitor } = parties;
  return {
    name: conversation,
    office: office ?? '',
    parties,
    notice,
    plain: plain ?? null,
    handover: handover ?? null,
    card: card ?? null,
    role: role ?? 'staff',
    simultaneous: simultaneous ?? false,
    agreed: {
      consent: { staff: staff.consent, visitor: visitor.consent },
      record: { staff: staff.record, visitor: visitor.record },
    },
  };
}

/**
 * Somebody came, went, agreed, or changed their language.
 * @param {State} state
 * @param {import('./protocol.js').PartyMessage} message
 * @returns {Partial<State>}
 */
export function withParty({ parties, agreed }, { party, state, language, consent, record }) {
  if (!parties) return {};
  const connected = state === 'joined' ? true : state === 'left' || state === 'away' ? false : parties[party].connected;
  const changed = { ...parties[party], connected, language, consent: consent ?? null, record: record ?? null };
  return {
    parties: { ...parties, [party]: changed },
    agreed: {
      consent: { ...agreed.consent, [party]: consent ?? null },
      record: { ...agreed.record, [party]: record ?? null },
    },
  };
}

/**
 * Something to show to the people; the last one of each code.
 * @param {readonly News[]} notices
 * @param {import('./protocol.js').Notice | import('./protocol.js').Failure} message
 * @returns {News[]}
 */
export function withNotice(notices, message) {
  const gone = RECOVERS[message.code];
  const others = notices.filter(({ code }) => code !== message.code && code !== gone);
  const { code, messages, utterance } = message;
  const news = { code, messages, utterance, party: message.type === 'notice' ? message.party : undefined };
  return gone ? others : [...others, news];
}
