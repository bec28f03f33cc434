/**
 * What the parts of a running conversation share: the conversation, both people, and who holds
 * the button.
 */

import { remember, remembered } from '../preferences.js';
import { deaf } from '../told.js';
import { microphoneTrouble } from './microphone.js';

/** @typedef {import('../conversation.js').Conversation} Conversation */
/** @typedef {import('./shapes.js').Party} Party */

/** Speed of a slow voice; 1 is its own. */
const SLOW = 0.75;

export class Desk extends EventTarget {
  /**
   * @param {object} options
   * @param {Conversation} options.conversation
   * @param {import('./table.js').Sides} options.sides
   * @param {import('./shapes.js').Counter} options.counter
   * @param {import('./shapes.js').Office | null} options.office
   * @param {boolean} [options.apart]  each of the two has a device, and a microphone of their own
   */
  constructor({ conversation, sides, counter, office, apart = false }) {
    super();
    this.conversation = conversation;
    this.apart = apart;
    this.sides = sides;
    this.counter = counter;
    this.office = office;
    /** @type {Party | null} who holds the button */
    this.talking = null;
    /** @type {'closed' | 'open' | 'failed'} */
    this.microphone = 'closed';
    /** @type {unknown} why the microphone does not work */
    this.failure = null;
    /** @type {Promise<boolean> | null} */
    this.opening = null;
    /** @type {Set<number>} utterances whose speaker was asked to repeat them */
    this.asked = new Set();
    this.handsFree = apart || remembered('handsFree');
    /** @type {Record<Party, boolean>} who is spoken to slowly */
    this.slower = { staff: false, visitor: false };
    conversation.addEventListener('change', () => this.watchMicrophone());
  }

  /** It may be unplugged at any time, and is closed where the conversation cannot go on. */
  watchMicrophone() {
    const { microphone, connection } = this.state;
    if (this.microphone !== 'open' || !(microphone || connection === 'gone')) return;
    this.microphone = microphone ? 'failed' : 'closed';
    this.failure = microphone;
    this.talking = null;
    this.changed();
  }

  get state() {
    return this.conversation.state;
  }

  /** @param {Party} party @returns {Party} */
  other(party) {
    return party === 'staff' ? 'visitor' : 'staff';
  }

  /** Something changed that only this tablet knows of. */
  changed() {
    this.dispatchEvent(new Event('change'));
  }

  /** @returns {Promise<boolean>} whether there is a microphone to speak into */
  openMicrophone() {
    this.opening ??= this.tryMicrophone().finally(() => {
      this.opening = null;
    });
    return this.opening;
  }

  async tryMicrophone() {
    if (this.microphone === 'open') return true;
    try {
      await this.conversation.openMicrophone();
      this.microphone = 'open';
      this.failure = null;
    } catch (error) {
      this.microphone = 'failed';
      this.failure = error;
    }
    this.changed();
    return this.microphone === 'open';
  }

  closeMicrophone() {
    this.conversation.closeMicrophone();
    this.microphone = 'closed';
    this.changed();
  }

  /** @param {Party} party @returns {string} what is wrong with the microphone, for this person; or nothing */
  microphoneProblem(party) {
    const { words } = this.sides[party];
    if (this.microphone !== 'failed') return '';
    return microphoneTrouble(this.failure, words) || words.say('microphone.failed');
  }

  /**
   * @param {Party} party
   * @returns {Promise<boolean>} false where the other person speaks or there is no microphone
   */
  async beginTalking(party) {
    if (this.talking) return this.talking === party;
    if (this.blocked()) return false;
    this.talking = party;
    this.changed();
    if (!(await this.openMicrophone())) {
      if (this.talking === party) this.endTalking(party);
      return false;
    }
    if (this.talking === party) this.conversation.talk(true, party);
    return this.talking === party;
  }

  /** @param {Party} party */
  endTalking(party) {
    if (this.talking !== party) return;
    this.talking = null;
    if (this.microphone === 'open') this.conversation.talk(false, party);
    this.changed();
  }

  /** Whether nobody is listened to at the moment: a person interprets, or the conversation is over. */
  blocked() {
    const { ended, connection } = this.state;
    return deaf(this.state.handover) || ended !== null || connection === 'gone';
  }

  /** @param {boolean} on */
  async setHandsFree(on) {
    this.handsFree = on;
    remember('handsFree', on);
    if (this.talking) this.endTalking(this.talking);
    this.conversation.setTurnTaking(on ? 'shared_microphone' : 'push_to_talk');
    this.changed();
    if (on) await this.openMicrophone();
  }

  /** @param {Party} party @param {boolean} slower */
  setSlower(party, slower) {
    this.slower[party] = slower;
    this.conversation.slower(slower ? SLOW : 1, party);
  }

  /** Ask the speaker to say it again: on their half, or aloud where that is elsewhere. @param {number} utterance @param {Party} party  who asks */
  askAgain(utterance, party) {
    this.asked.add(utterance);
    if (this.apart) this.conversation.say(this.sides[party].words.say('line.please-repeat'), party);
    this.changed();
  }
}
