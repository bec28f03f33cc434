/** A video appointment, from the link to the end: language, devices, waiting room, call. */

import { bare, catalog, preferredLanguage } from './i18n.js';
import { meet } from './meeting.js';
import { remembered } from './preferences.js';
import { Room } from './room.js';
import { Media } from './video/media.js';
import { closedView, erasedView, leftView, resumeView } from './views/call/closed.js';
import { languageView } from './views/call/language.js';
import { lobbyView } from './views/call/lobby.js';
import { waitingView, whenText } from './views/call/waiting.js';
import { startingView } from './views/starting.js';

/** @typedef {import('./i18n.js').Catalog} Catalog */
/** @typedef {import('./views/shapes.js').View} View */

const PAUSE_MS = 3000;

const stage = /** @type {HTMLElement} */ (document.getElementById('stage'));
let media = new Media();

/** Resolves once the person has allowed camera and microphone, or refused them. @type {Promise<void> | null} */
let opening = null;

function openMedia() {
  opening ??= media.open();
  return opening;
}

/** The light of the camera goes out. */
function closeMedia() {
  media.close();
  media = new Media();
  opening = null;
}

/** @type {View | null} */
let current = null;

/** @param {View} view */
function show(view) {
  current?.close?.();
  current = view;
  for (const dialog of document.querySelectorAll('dialog')) dialog.close();
  stage.replaceChildren(view.element);
  document.title = view.title ? `${view.title} – Interpreter` : 'Interpreter';
  document.documentElement.lang = view.element.lang || document.documentElement.lang;
  document.documentElement.dir = view.element.dir || 'ltr';
  scrollTo(0, 0);
  /** @type {HTMLElement | null} */ (view.element.querySelector('[data-focus]'))?.focus({ preventScroll: true });
}

/** What a reload goes on with. It vanishes with the tab. */
const kept = {
  /** @param {'link' | 'language' | 'inside'} name */
  get: (name) => sessionStorage.getItem(`call.${name}`) ?? '',
  /** @param {'link' | 'language' | 'inside'} name @param {string} value */
  set: (name, value) => sessionStorage.setItem(`call.${name}`, value),
  forget() {
    for (const name of ['link', 'language', 'inside']) sessionStorage.removeItem(`call.${name}`);
  },
};

/** What the link holds, which is taken out of the address at once. */
function entered() {
  const given = location.hash.slice(1);
  if (!given) return kept.get('link');
  if (given !== kept.get('link')) kept.forget();
  kept.set('link', given);
  history.replaceState(null, '', location.pathname + location.search);
  return given;
}

async function begin() {
  const link = entered();
  const words = await catalog(preferredLanguage());
  if (!link) return show(closedView(words, words.say('room.invalid')));
  const given = new URLSearchParams(link);
  const guest = given.get('guest');
  if (guest) return asGuest(guest, given.get('role') === 'interpreter', words);
  show(startingView(words));
  new Appointment(link, words).begin();
}

/**
 * A colleague or a human interpreter, who comes into a call that goes on.
 * @param {string} token
 * @param {boolean} interprets  their sound goes to people only, not to the machine
 * @param {Catalog} words
 */
function asGuest(token, interprets, words) {
  let inside = false;
  const enter = async () => {
    if (inside) return; // a tap too many
    inside = true;
    kept.set('inside', 'guest');
    void openMedia();
    await meet({ token, watching: interprets, media, show, signal: new AbortController().signal, onover });
  };
  /** @type {import('./meeting.js').OnOver} */
  const onover = (how, why) => {
    inside = false;
    kept.set('inside', '');
    closeMedia();
    if (how === 'left') return show(leftView(words, words.say('call.left'), () => void enter()));
    if (how === 'interrupted') return show(leftView(words, why ? words.pick(why) : words.say('connection.lost'), () => void enter()));
    kept.forget();
    show(closedView(words, words.say('room.over')));
  };
  if (kept.get('inside')) return show(resumeView(words, () => void enter()));
  show(lobbyView({
    words, media, opening: openMedia(), when: '', go: 'lobby.join', language: null, onlanguage() {}, onready: () => void enter(),
  }));
}

/** One person's way through an appointment. */
class Appointment {
  /** @param {string} link @param {Catalog} words  in the browser's language, until the person's is known */
  constructor(link, words) {
    this.words = words;
    this.room = new Room(link);
    /** @type {'arriving' | 'lobby' | 'waiting' | 'call' | 'left' | 'over'} */
    this.at = 'arriving';
    this.language = kept.get('language');
    this.leaving = new AbortController();
    this.pausing = false;
  }

  begin() {
    this.room.addEventListener('room', () => void this.look());
    this.room.addEventListener('closed', () => this.closed());
    this.room.enter();
  }

  /** Something changed in the waiting room. */
  async look() {
    const { state } = this.room;
    if (!state || this.at === 'over') return;
    const over = state.state === 'over' || state.state === 'revoked';
    if (over && this.at !== 'call') return this.end(closedView(this.words, this.words.say(`room.${state.state}`)));
    if (over) return;
    if (this.at === 'arriving') return this.arrive(state);
    if (this.at === 'waiting' && !this.pausing && state.state === 'open' && state.token) return this.meet(state.token);
  }

  /** @param {import('./room.js').RoomState} state */
  async arrive(state) {
    this.at = 'lobby';
    this.language = state.visitor_language ?? this.language;
    const mine = state.role === 'staff' ? remembered('language') || state.staff_language : this.language;
    if (mine) this.words = await catalog(bare(mine));
    const inside = state.conversation && kept.get('inside') === state.conversation;
    if (inside) return show(resumeView(this.words, () => this.wait()));
    if (state.role === 'visitor' && !this.language) return this.chooseLanguage();
    this.lobby();
  }

  chooseLanguage() {
    const { state } = this.room;
    this.at = 'lobby';
    show(languageView({
      words: this.words,
      when: whenText(state, this.words),
      languages: state?.languages ?? [],
      staff: state?.staff_language ?? '',
      onlanguage: async ({ tag }) => {
        this.language = tag;
        kept.set('language', tag);
        this.words = await catalog(tag);
        this.lobby();
      },
    }));
  }

  lobby() {
    const { state } = this.room;
    this.at = 'lobby';
    const visitor = state?.role === 'visitor';
    show(lobbyView({
      words: this.words,
      media,
      opening: openMedia(),
      when: whenText(state, this.words),
      go: visitor ? 'lobby.ready' : 'lobby.enter',
      language: visitor ? (state.languages?.find(({ tag }) => tag === this.language) ?? null) : null,
      onlanguage: () => this.chooseLanguage(),
      onready: () => this.wait(),
    }));
  }

  /** @param {string} [news] */
  wait(news = '') {
    if (this.at === 'call') return; // a tap too many
    void openMedia();
    this.at = 'waiting';
    if (this.room.state?.role === 'visitor') this.room.ready(this.language);
    show(waitingView({ words: this.words, room: this.room, media, news }));
    void this.look();
  }

  /** @param {string} token */
  async meet(token) {
    this.at = 'call';
    kept.set('inside', this.room.state?.conversation ?? '');
    this.leaving = new AbortController();
    await meet({ token, watching: false, media, show, signal: this.leaving.signal, onover: (how) => this.met(how) });
  }

  /** @param {import('./meeting.js').HowOver} how */
  met(how) {
    this.at = 'left';
    kept.set('inside', '');
    if (how === 'closed') return this.end(erasedView(this.words));
    const { state } = this.room;
    if (this.room.left) return this.closed();
    if (state?.state === 'over' || state?.state === 'revoked') return this.end(closedView(this.words, this.words.say(`room.${state.state}`)));
    if (how === 'interrupted') return this.again();
    closeMedia();
    show(leftView(this.words, this.words.say('call.left'), () => this.wait()));
  }

  /** Not at once, for the room may not know yet that there is nothing to join any more. */
  again() {
    this.pausing = true;
    this.wait(this.words.say('room.again'));
    setTimeout(() => {
      this.pausing = false;
      void this.look();
    }, PAUSE_MS);
  }

  /** The service closed the room for good. A call goes on without it, unless it does so in another window. */
  closed() {
    const { refusal } = this.room;
    if (this.at === 'over') return;
    if (this.at === 'call' && !this.leaving.signal.aborted) {
      if (refusal?.code === 'opened-elsewhere') this.leaving.abort();
      return;
    }
    this.end(closedView(this.words, refusal ? this.words.pick(refusal.messages) : this.words.say('room.over')));
  }

  /** @param {View} view */
  end(view) {
    this.at = 'over';
    this.room.leave();
    closeMedia();
    kept.forget();
    show(view);
  }
}

// Another link, opened in this tab.
addEventListener('hashchange', () => location.hash && location.reload());

void begin();
