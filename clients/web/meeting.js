/** A conversation with pictures: from joining it to its end, as one of its people. */

import { askAs, close, counter } from './api.js';
import { Conversation } from './conversation.js';
import { catalog, preferredLanguage } from './i18n.js';
import { remembered } from './preferences.js';
import { side } from './sides.js';
import { Call } from './video/call.js';
import { consentAwaited, consentQuestion } from './views/consent.js';
import { Desk } from './views/desk.js';
import { recordQuestion } from './views/end.js';
import { teller } from './views/frame.js';
import { printRecord } from './views/record.js';
import { trouble } from './views/sign-in.js';
import { callView, talking } from './views/call/call.js';

/** @typedef {import('./video/media.js').Media} Media */
/** @typedef {import('./views/shapes.js').Party} Party */
/** @typedef {'left' | 'closed' | 'interrupted'} HowOver  `closed`: by staff, so that nothing is left of it */
/** @typedef {(how: HowOver, why: import('./protocol.js').Messages | null) => void} OnOver  `why`: what the service said */

/** Why somebody may not come in. */
const REFUSALS = new Set(['conversation-full', 'conversation-ended', 'token-expired', 'overloaded']);

/**
 * @param {object} options
 * @param {string} options.token  of the conversation
 * @param {boolean} options.watching  without sound to or from the machine
 * @param {Media} options.media
 * @param {(view: import('./views/shapes.js').View) => void} options.show
 * @param {AbortSignal} options.signal  to leave
 * @param {OnOver} options.onover
 */
export async function meet({ token, watching, media, show, signal, onover }) {
  askAs(token);
  const conversation = new Conversation({ token, turnTaking: 'own_microphone', watching, video: true, track: () => media.microphone });
  const call = new Call({ conversation, media });
  call.setLevel(remembered('originalVoice'));
  let done = false;
  const over = (/** @type {HowOver} */ how) => {
    if (done) return;
    done = true;
    conversation.removeEventListener('change', look);
    call.leave();
    conversation.leave();
    const { endedMessages, notices } = conversation.state;
    onover(how, endedMessages ?? notices.findLast(({ code }) => REFUSALS.has(code))?.messages ?? null);
  };
  const look = () => {
    const { ended, connection } = conversation.state;
    if (ended || connection === 'gone') over(ended === 'closed' ? 'closed' : 'interrupted');
  };
  conversation.addEventListener('change', look);
  signal.addEventListener('abort', () => over('left'));
  await conversation.start();
  look();
  if (done) return;
  const desk = await deskOf(conversation).catch(() => null);
  if (!desk) return over('interrupted');
  if (!done) show(inside({ token, desk, call, media, over }));
}

/** What its parts share. @param {Conversation} conversation */
async function deskOf(conversation) {
  const { parties, office: name } = conversation.state;
  if (!parties) return null; // it took too long
  const here = await counter();
  const sides = {
    staff: await side('staff', parties.staff.language, here.languages),
    visitor: await side('visitor', parties.visitor.language, here.languages),
  };
  const { role } = conversation.state;
  // A human interpreter may not speak either of the two on paper.
  if (role === 'interpreter') sides.staff = { ...sides.staff, words: await catalog(preferredLanguage()) };
  const office = here.offices.find((each) => each.name === name) ?? here.offices[0] ?? null;
  return new Desk({ conversation, sides, counter: here, office, apart: true });
}

/**
 * @param {object} options
 * @param {string} options.token
 * @param {Desk} options.desk
 * @param {Call} options.call
 * @param {Media} options.media
 * @param {(how: HowOver) => void} options.over
 */
function inside({ token, desk, call, media, over }) {
  const { conversation, sides } = desk;
  const { role, name } = conversation.state;
  const party = role === 'visitor' ? 'visitor' : 'staff';
  const side = sides[party];
  const opened = { name, shared: token, staffToken: token, staff: sides.staff.language, visitor: sides.visitor.language, office: desk.office?.name ?? '' };
  const status = teller();
  const onsheet = () => printRecord(opened, 'sheet');
  let ending = false;
  let erasing = false;
  let opening = false;
  const end = async () => {
    await close(name);
    over('closed');
  };
  /** The visitor wants nothing kept. */
  const erase = async () => {
    if (erasing) return;
    erasing = true;
    status.tell(side.words.say('end.erasing'));
    await end().catch((error) => status.tell(`${side.words.say('end.not-erased')} ${trouble(error, side.words)}`));
  };
  const onend = () => {
    if (role !== 'staff') return over('left');
    if (!conversation.state.agreed.consent.visitor) return void end().catch(() => over('left'));
    ending = true;
    fill();
  };
  const onback = () => {
    ending = false;
    fill();
  };
  const view = callView({ desk, call, media, side, opened, onend });
  const record = (/** @type {HTMLElement} */ half) =>
    recordQuestion(desk, party, half, status, { opened, onback, onerase: role === 'staff' ? end : async () => undefined });

  const fill = () => {
    const { agreed } = conversation.state;
    if (role === 'staff' && agreed.record.staff && agreed.record.visitor === false) void erase();
    if (agreed.consent.visitor && !opening && role !== 'interpreter') {
      opening = true;
      void desk.openMicrophone();
    }
    if (ending || (agreed.record.staff && party === 'visitor')) view.fill('end', record);
    else if (agreed.consent.visitor) view.fill('talk', talking(desk, side, { onend, onsheet }));
    else if (party === 'visitor') view.fill('consent', (half) => consentQuestion(desk, half, { onyes: fill, onsheet }));
    else view.fill('consent', (half) => consentAwaited(desk, half, { onend, onsheet }));
  };
  conversation.addEventListener('change', fill);
  if (role === 'staff' && !conversation.state.agreed.consent.staff) conversation.consent(true, 'staff');
  fill();
  return {
    ...view,
    close() {
      conversation.removeEventListener('change', fill);
      view.close?.();
    },
  };
}
