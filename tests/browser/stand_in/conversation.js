/** Stands in for conversation.js: a test puts the state, and reads what the page asked for. */

export class Conversation extends EventTarget {
  constructor(options) {
    super();
    this.options = options;
    this.asked = [];
    this.state = {
      lines: [],
      activity: 'idle',
      speaker: null,
      parties: null,
      notices: [],
      notice: null,
      connection: 'open',
      ended: null,
      endedMessages: null,
      card: null,
      handover: null,
      plain: null,
      name: '',
      office: '',
      role: 'staff',
      simultaneous: false,
      microphone: null,
      agreed: { consent: { staff: null, visitor: null }, record: { staff: null, visitor: null } },
    };
    globalThis.conversation = this;
  }

  put(changes, what = 'status') {
    Object.assign(this.state, changes);
    this.dispatchEvent(new CustomEvent('change', { detail: what }));
  }

  ask(...what) {
    this.asked.push(what);
  }

  async start() {
    Object.assign(this.state, globalThis.joined);
    if (sessionStorage.getItem('agreed')) this.state.agreed.consent.visitor = true;
  }

  async openMicrophone() {
    this.ask('openMicrophone');
    if (globalThis.microphoneError) throw globalThis.microphoneError;
  }

  closeMicrophone() { this.ask('closeMicrophone'); }
  talk(down, party) { this.ask('talk', down, party); }
  say(text, party) { this.ask('say', text, party); }
  correct(utterance, text, party) { this.ask('correct', utterance, text, party); }
  confirm(utterance) { this.ask('confirm', utterance); }
  sayAgain(utterance, party) { this.ask('sayAgain', utterance, party); }
  slower(speed, party) { this.ask('slower', speed, party); }
  stopSpeaking(party) { this.ask('stopSpeaking', party); }
  setLanguage(tag) { this.ask('setLanguage', tag); }
  phrase(id, party) { this.ask('phrase', id, party); }
  card(card, value) { this.ask('card', card, value); }
  handover(step) { this.ask('handover', step); }
  plain(on) { this.ask('plain', on); }
  interpreting(simultaneous) { this.ask('interpreting', simultaneous); }
  setTurnTaking(mode) { this.ask('setTurnTaking', mode); }
  leave() { this.ask('leave'); }

  consent(agreed, party) {
    this.ask('consent', agreed, party);
    const { consent, record } = this.state.agreed;
    queueMicrotask(() => this.put({ agreed: { consent: { ...consent, [party]: agreed }, record } }, 'parties'));
  }

  agreeToRecord(agreed, party) {
    this.ask('agreeToRecord', agreed, party);
    const { consent, record } = this.state.agreed;
    this.put({ agreed: { consent, record: { ...record, [party]: agreed } } }, 'parties');
  }
}
