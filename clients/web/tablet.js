/** The tablet at the counter: from signing in to the end of a conversation. */

import { ApiError, close, counter, open, ready, signedIn, signOut } from './api.js';
import { Conversation } from './conversation.js';
import { bare, catalog, preferredLanguage } from './i18n.js';
import { remember, remembered } from './preferences.js';
import { side } from './sides.js';
import { appointmentsView } from './views/appointments.js';
import { consentView } from './views/consent.js';
import { conversationView } from './views/conversation.js';
import { Desk } from './views/desk.js';
import { endView, erasedView } from './views/end.js';
import { count } from './views/languages.js';
import { pairView } from './views/pair.js';
import { printRecord } from './views/record.js';
import { attempt, signInView } from './views/sign-in.js';
import { startView } from './views/start.js';
import { startingView } from './views/starting.js';

/** @typedef {import('./views/shapes.js').Counter} Counter */
/** @typedef {import('./views/shapes.js').Language} Language */
/** @typedef {import('./views/shapes.js').Opened} Opened */
/** @typedef {import('./views/shapes.js').View} View */

const stage = /** @type {HTMLElement} */ (document.getElementById('stage'));

/** @type {View | null} */
let current = null;

/** @param {View} view */
function show(view) {
  current?.close?.();
  current = view;
  stage.replaceChildren(view.element);
  document.title = view.title ? `${view.title} – Interpreter` : 'Interpreter';
  const page = view.element;
  document.documentElement.lang = page.lang || document.documentElement.lang;
  document.documentElement.dir = page.dir || 'ltr';
  scrollTo(0, 0);
  /** @type {HTMLElement | null} */ (page.querySelector('[data-focus]'))?.focus({ preventScroll: true });
}

const OPENED = 'tablet.conversation';

/** So that a reload goes on with the conversation. It vanishes with the tab. @param {Opened | null} opened */
function keep(opened) {
  if (opened) sessionStorage.setItem(OPENED, JSON.stringify(opened));
  else sessionStorage.removeItem(OPENED);
}

/** @returns {Opened | null} */
function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(OPENED) ?? 'null');
  } catch {
    return null;
  }
}

/** The invitation in the address, which is taken out of it at once. */
function invitation() {
  const token = new URLSearchParams(location.hash.slice(1)).get('invitation');
  if (location.hash) history.replaceState(null, '', location.pathname + location.search);
  return token;
}

function staffLanguage() {
  return remembered('language') || preferredLanguage();
}

async function begin() {
  const token = invitation();
  const words = await catalog(staffLanguage());
  await untilReady(words);
  const problem = token ? await attempt({ invitation: token }, words) : '';
  if (problem || !signedIn()) return signInPage(problem);
  const opened = token ? null : kept();
  return opened ? takeUp(opened) : startPage();
}

/** @param {import('./i18n.js').Catalog} words */
async function untilReady(words) {
  while (!(await ready().catch(() => false))) {
    show(startingView(words));
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}

/** @param {string} [problem] */
async function signInPage(problem = '') {
  const words = await catalog(staffLanguage());
  show(signInView({
    words,
    problem,
    onsigned: () => void startPage(),
    onlanguage(language) {
      remember('language', language);
      void signInPage();
    },
  }));
}

/** The visitor's language is chosen. */
async function startPage() {
  /** @type {Counter} */
  let here;
  try {
    here = await counter();
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return leave();
    show(startingView(await catalog(staffLanguage()), () => void startPage()));
    return;
  }
  const office = here.offices.find(({ name }) => name === remembered('office')) ?? here.offices[0] ?? null;
  const wanted = remembered('language') || office?.language || preferredLanguage();
  const staff = here.languages.find(({ tag }) => tag === bare(wanted)) ?? here.languages[0];
  if (!staff) return show(startingView(await catalog(wanted)));
  const words = await catalog(staff.tag);
  show(startView({
    words,
    counter: here,
    staff,
    office,
    onlanguage: (visitor) => pairPage(here, office, staff, visitor),
    onchange(language, name) {
      remember('language', language);
      remember('office', name);
      void startPage();
    },
    onfollow: (call) => void follow(call, here),
    onappointments: () => show(appointmentsView({ words, counter: here, staff, office, onback: () => void startPage() })),
    onleave: leave,
  }));
}

/**
 * Follow a telephone call: read along, confirm, correct, type.
 * @param {import('./api.js').Call} call
 * @param {Counter} here
 */
async function follow(call, here) {
  const conversation = new Conversation({ token: call.staff_token ?? '', turnTaking: 'own_microphone', watching: true });
  const stop = () => {
    conversation.leave();
    void startPage();
  };
  await conversation.start();
  const { parties } = conversation.state;
  if (!parties) return stop();
  const sides = {
    staff: await side('staff', parties.staff.language, here.languages),
    visitor: await side('visitor', parties.visitor.language, here.languages),
  };
  const name = conversation.state.office;
  const desk = new Desk({ conversation, sides, counter: here, office: here.offices.find((each) => each.name === name) ?? here.offices[0] ?? null });
  const opened = { name: conversation.state.name, shared: '', staffToken: call.staff_token ?? '', staff: sides.staff.language, visitor: sides.visitor.language, office: name };
  conversation.addEventListener('change', () => conversation.state.ended && stop());
  show(conversationView({ desk, opened, reloaded: false, onend: stop }));
}

function leave() {
  signOut();
  keep(null);
  void signInPage();
}

/**
 * @param {Counter} here
 * @param {import('./views/shapes.js').Office | null} office
 * @param {Language} staff
 * @param {Language} visitor
 */
async function pairPage(here, office, staff, visitor) {
  show(pairView({
    words: await catalog(staff.tag),
    staff,
    visitor,
    onback: () => void startPage(),
    async onstart() {
      const { conversation, tokens } = await open({
        staff_language: staff.tag, visitor_language: visitor.tag, office: office?.name || undefined, consent_required: true,
      });
      count(visitor.tag);
      /** @type {Opened} */
      const opened = {
        name: conversation, shared: tokens.shared, staffToken: tokens.staff, staff: staff.tag, visitor: visitor.tag, office: office?.name ?? '',
      };
      keep(opened);
      await converse(opened, here, false);
    },
  }));
}

/** The page was reloaded in mid-conversation. @param {Opened} opened */
async function takeUp(opened) {
  try {
    await converse(opened, await counter(), true);
  } catch {
    keep(null);
    await startPage();
  }
}

/**
 * @param {Opened} opened
 * @param {Counter} here
 * @param {boolean} reloaded
 */
async function converse(opened, here, reloaded) {
  const sides = {
    staff: await side('staff', opened.staff, here.languages),
    visitor: await side('visitor', opened.visitor, here.languages),
  };
  const conversation = new Conversation({
    token: opened.shared,
    turnTaking: remembered('handsFree') ? 'shared_microphone' : 'push_to_talk',
  });
  const office = here.offices.find(({ name }) => name === opened.office) ?? null;
  const desk = new Desk({ conversation, sides, counter: here, office });
  const onsheet = () => printRecord(opened, 'sheet');

  let asking = true;
  const talk = (/** @type {boolean} */ covered) => {
    asking = false;
    show(conversationView({ desk, opened, reloaded: covered, onend: finish }));
  };
  const finish = () =>
    show(endView({ desk, opened, onback: () => talk(false), onerase: erase }));
  const erase = async () => {
    await close(opened.name);
    over(null);
  };
  let done = false;
  const over = (/** @type {Record<string, string> | null} */ messages) => {
    if (done) return;
    done = true;
    conversation.removeEventListener('change', watch);
    conversation.leave();
    keep(null);
    show(erasedView({ sides, messages, onnext: () => void startPage() }));
  };
  const watch = async () => {
    const { agreed, ended, endedMessages, parties } = conversation.state;
    if (ended) return over(endedMessages);
    if (asking && agreed.consent.visitor) talk(true);
    const language = parties?.visitor?.language;
    if (!language || language === sides.visitor.language) return;
    keep(Object.assign(opened, { visitor: language }));
    sides.visitor = await side('visitor', language, here.languages);
    talk(false);
  };
  conversation.addEventListener('change', watch);
  await conversation.start();
  if (conversation.state.connection === 'gone') throw new ApiError('conversation-ended', '', 0);
  if (!conversation.state.agreed.consent.staff) conversation.consent(true, 'staff');
  if (!asking) return;
  if (conversation.state.agreed.consent.visitor) return talk(reloaded);
  show(consentView({
    desk,
    onyes() {
      talk(false);
      void desk.openMicrophone();
    },
    onend: () => void erase(),
    onsheet,
  }));
}

if ('serviceWorker' in navigator) navigator.serviceWorker.register('/service-worker.js').catch(() => undefined);
void begin();
