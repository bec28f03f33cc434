/** A conversation as a page sees it: what was said, who does what, and everything one can ask for. */

import { MicrophoneError, openMicrophone } from './capture.js';
import { Connection } from './connection.js';
import { Doing } from './doing.js';
import { dismiss, forgetConnection, formerConnection, keepConnection } from './former.js';
import { withMessage, withVoice } from './lines.js';
import { GESTURES, Player } from './playback.js';
import { atFirst, deaf, welcomed, withNotice, withParty } from './told.js';

/** @typedef {import('./lines.js').Line} Line */
/** @typedef {import('./protocol.js').Party} Party */
/** @typedef {import('./protocol.js').ServerMessage} ServerMessage */
/** @typedef {import('./protocol.js').TurnTaking} TurnTaking */
/** @typedef {import('./told.js').State} State */
/** @typedef {import('./told.js').Change} Change */

/** Frames from before the button went down that are sent along: people press and speak at once. */
const BEFORE_FRAMES = 10;
const START_MS = 10_000;

/** Event `change` (detail: a Change). */
export class Conversation extends EventTarget {
  /**
   * @param {object} options
   * @param {string} options.token  of the shared device, or of one party
   * @param {TurnTaking} options.turnTaking
   * @param {boolean} [options.watching]  without microphone and loudspeaker, which others have
   * @param {boolean} [options.video]  this page shows pictures to others
   * @param {() => MediaStreamTrack | undefined} [options.track]  of the microphone at this moment, where others open and close it
   * @param {string} [options.url]
   */
  constructor({ token, turnTaking, watching = false, video = false, track, url }) {
    super();
    this.watching = watching;
    this.track = track;
    this.options = { token, video, ...(url && { url }) };
    this.turnTaking = turnTaking;
    /** @type {State} */
    this.state = atFirst();
    this.player = new Player();
    this.player.addEventListener('played', (event) => this.#played(/** @type {CustomEvent} */ (event).detail));
    /** @type {import('./capture.js').Microphone | null} */
    this.microphone = null;
    /** @type {Party | null} */
    this.talking = null;
    /** @type {Int16Array[]} */
    this.before = [];
    this.doing = new Doing();
    /** @type {Map<number, number>} milliseconds heard of a voice while nobody could be told */
    this.unreported = new Map();
    /** Counts the wishes for a microphone, open or closed; only the latest counts. */
    this.wishes = 0;
    this.former = formerConnection();
    this.unlock = () => void this.player.resume().catch(() => undefined);
    this.connection = this.#connect();
  }

  /** Join; resolves once that has succeeded or failed for good, or takes long. To be called in the course of a tap. */
  async start() {
    // A page that was reloaded may be heard from the next tap on.
    for (const type of GESTURES) document.addEventListener(type, this.unlock);
    await this.player.resume().catch(() => undefined);
    await new Promise((resolve) => {
      const settled = () => this.state.parties !== null || this.state.connection === 'gone';
      const done = () => settled() && resolve(undefined);
      this.addEventListener('change', done);
      setTimeout(resolve, START_MS);
      this.connection.start();
    });
  }

  /** @throws {MicrophoneError} */
  async openMicrophone() {
    this.closeMicrophone();
    const wish = this.wishes;
    const microphone = await openMicrophone({
      track: this.track,
      onFrame: (samples) => this.#frame(samples),
      onLost: () => this.#microphoneLost(),
    });
    // A person may take long to allow it, and the conversation be over by then.
    if (wish !== this.wishes || this.state.connection === 'gone') {
      microphone.close();
      throw new MicrophoneError('failed');
    }
    this.microphone = microphone;
    if (this.track) microphone.replace(this.track()); // it may have changed meanwhile
    this.microphone.setMuted(deaf(this.state.handover));
    this.#put({ microphone: null }, 'microphone');
  }

  closeMicrophone() {
    this.wishes += 1;
    this.microphone?.close();
    this.microphone = null;
    this.before = [];
  }

  /** The button went down or up. @param {boolean} down @param {Party} party */
  talk(down, party) {
    if (down) this.#silence(); // as the service does, which may believe that it has been heard already
    this.talking = down ? party : null;
    this.connection.talk(down, party);
    if (down) for (const samples of this.before.splice(0)) this.connection.sendAudio(samples);
  }

  /** @param {TurnTaking} turnTaking */
  setTurnTaking(turnTaking) {
    if (turnTaking === this.turnTaking) return;
    this.turnTaking = turnTaking;
    const old = this.connection;
    this.connection = this.#connect();
    const now = this.connection;
    // The last connection to leave would end the conversation.
    now.addEventListener('state', () => {
      if (now.state !== 'lost') old.leave();
    });
    now.start();
  }

  /** @param {string} text @param {Party} party */
  say(text, party) { this.#send({ type: 'text', text, party }); }

  /** What was said, or who said it, or both. @param {number} utterance @param {string} [text] @param {Party} [party] */
  correct(utterance, text, party) { this.#send({ type: 'correct', utterance, ...(text && { text }), ...(party && { party }) }); }

  /** @param {number} utterance */
  confirm(utterance) { this.#send({ type: 'confirm', utterance }); }

  /** @param {number | undefined} utterance  the last one without @param {Party} party */
  sayAgain(utterance, party) { this.#send({ type: 'say_again', ...(utterance && { utterance }), party }); }

  /** @param {number} speed  0.5 to 1.5 @param {Party} party */
  slower(speed, party) { this.#send({ type: 'slower', speed, party }); }

  /** @param {Party} [party]  both without */
  stopSpeaking(party) {
    this.#silence(party);
    this.#send({ type: 'stop_speaking', ...(party && { party }) });
  }

  /** The visitor speaks another language. @param {string} language */
  setLanguage(language) { this.#send({ type: 'language', language }); }

  /** @param {boolean} agreed @param {Party} party */
  consent(agreed, party) { this.#send({ type: 'consent', agreed, party }); }

  /** @param {boolean} agreed @param {Party} party */
  agreeToRecord(agreed, party) { this.#send({ type: 'record', agreed, party }); }

  /** @param {string} phrase @param {Party} party */
  phrase(phrase, party) { this.#send({ type: 'phrase', phrase, party }); }

  /** @param {string} card  empty: take it away @param {string} [value] */
  card(card, value) { this.#send({ type: 'card', card, ...(value && { value }) }); }

  /** Anybody asks for a person; staff hand over, and take back. @param {'ask' | 'begin' | 'end'} step */
  handover(step) { this.#send({ type: 'handover', step }); }

  /** People are interpreted while they speak, or after it. @param {boolean} simultaneous */
  interpreting(simultaneous) { this.#send({ type: 'interpreting', simultaneous }); }

  /** @param {boolean} on */
  plain(on) { this.#send({ type: 'plain', on }); }

  /** For good; without anybody else in it the conversation ends. */
  leave() {
    this.connection.leave();
    this.#quit();
  }

  /** @param {{type: string} & Record<string, unknown>} message */
  #send(message) {
    this.connection.send(message);
  }

  #connect() {
    const connection = new Connection({ ...this.options, turnTaking: this.turnTaking, microphone: !this.watching, speech: !this.watching });
    const current = () => connection === this.connection;
    connection.addEventListener('message', (event) => current() && this.#take(/** @type {CustomEvent} */ (event).detail));
    connection.addEventListener('audio', (event) => {
      const { utterance, samples } = /** @type {CustomEvent} */ (event).detail;
      if (current()) this.player.push(utterance, samples);
    });
    connection.addEventListener('state', (event) => {
      if (current()) this.#connected(/** @type {CustomEvent} */ (event).detail);
    });
    return connection;
  }

  /** @param {import('./connection.js').ConnectionState} connection */
  #connected(connection) {
    if (connection === 'open') {
      for (const [utterance, milliseconds] of this.unreported) this.#send({ type: 'played', utterance, milliseconds });
      this.unreported.clear();
    }
    this.#put({ connection }, 'connection');
    if (connection === 'gone') this.#quit();
  }

  /** @param {Int16Array} samples */
  #frame(samples) {
    if (this.turnTaking !== 'push_to_talk' || this.talking) {
      this.connection.sendAudio(samples);
      return;
    }
    this.before = [...this.before, samples].slice(-BEFORE_FRAMES);
  }

  #microphoneLost() {
    this.microphone = null;
    if (this.talking) this.talk(false, this.talking);
    this.#put({ microphone: new MicrophoneError('missing') }, 'microphone');
  }

  // What the service tells ----------------------------------------------------------------------

  /** @param {ServerMessage} message */
  #take(message) {
    const lines = withMessage(this.state.lines, message);
    if (lines !== this.state.lines) this.#put({ lines }, 'line');
    this.#follow(message);
    switch (message.type) {
      case 'joined':
        this.#welcome(message);
        break;
      case 'party':
        this.#put(withParty(this.state, message), 'parties');
        break;
      case 'speech':
        this.#voice(message.utterance, 'speaking');
        if (!this.watching) this.player.begin(message.utterance);
        break;
      case 'speech_end':
        if (message.stopped) this.#stopped(message.utterance);
        else if (this.watching) this.#played({ utterance: message.utterance, milliseconds: 0, done: true });
        else this.player.end(message.utterance);
        break;
      case 'notice':
        if (message.code === 'events-lost') for (const utterance of this.doing.voicesTo()) this.player.end(utterance);
        this.#put({ notices: withNotice(this.state.notices, message) }, 'notice');
        break;
      case 'error':
        // A picture that is gone says so itself.
        if (message.utterance === undefined && message.code !== 'peer-gone') this.#put({ notices: withNotice(this.state.notices, message) }, 'notice');
        break;
      case 'card':
        this.#put({ card: message.card ? message : null }, 'card');
        break;
      case 'handover':
        this.microphone?.setMuted(deaf(message));
        this.#put({ handover: message.state === 'over' ? null : message }, 'handover');
        break;
      case 'plain':
        this.#put({ plain: message.on }, 'plain');
        break;
      case 'interpreting':
        this.#put({ simultaneous: message.simultaneous }, 'interpreting');
        break;
      case 'ended':
        this.#put({ ended: message.reason, endedMessages: message.messages }, 'ended');
        this.#quit();
        break;
    }
  }

  /** @param {import('./protocol.js').Joined} joined */
  #welcome(joined) {
    const { conversation, connection } = joined;
    if (this.former && this.former.conversation === conversation) {
      dismiss(this.connection.url, { ...this.connection.join, connection: this.former.connection });
    }
    this.former = null;
    keepConnection({ conversation, connection });
    this.#put(welcomed(joined), 'parties');
  }

  // Who does what -------------------------------------------------------------------------------

  /** @param {ServerMessage} message */
  #follow(message) {
    this.doing.take(message);
    if (message.type === 'speech_started') {
      const lasting = this.state.notices.filter((news) => news.utterance === undefined);
      if (lasting.length < this.state.notices.length) this.#put({ notices: lasting }, 'notice');
    }
    this.#activity();
  }

  #activity() {
    const { activity, speaker } = this.doing;
    if (activity !== this.state.activity || speaker !== this.state.speaker) this.#put({ activity, speaker }, 'status');
  }

  /** @param {import('./playback.js').Played} played */
  #played({ utterance, milliseconds, done }) {
    if (milliseconds > 0 && this.connection.joined) this.#send({ type: 'played', utterance, milliseconds });
    else if (milliseconds > 0) this.unreported.set(utterance, milliseconds);
    if (done && this.doing.voices.delete(utterance)) this.#voice(utterance, 'done');
  }

  /** Nothing more of the voices to this party; to anybody without. @param {Party} [party] */
  #silence(party) {
    for (const utterance of this.doing.voicesTo(party)) this.#stopped(utterance);
  }

  /** @param {number} utterance */
  #stopped(utterance) {
    this.doing.voices.delete(utterance);
    this.player.stop(utterance);
    this.#voice(utterance, 'stopped');
  }

  /** @param {number} utterance @param {Line['spoken']} spoken */
  #voice(utterance, spoken) {
    const lines = withVoice(this.state.lines, utterance, spoken);
    if (lines !== this.state.lines) this.#put({ lines }, 'line');
    this.#activity();
  }

  #quit() {
    for (const type of GESTURES) document.removeEventListener(type, this.unlock);
    forgetConnection();
    this.closeMicrophone();
    this.player.close();
  }

  /** @param {Partial<State>} changes @param {Change} what */
  #put(changes, what) {
    this.state = { ...this.state, ...changes };
    this.dispatchEvent(new CustomEvent('change', { detail: what }));
  }
}
