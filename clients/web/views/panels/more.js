import { remember, remembered } from '../../preferences.js';
import { button, h } from '../elements.js';
import { choice, toggle } from '../frame.js';
import { showInvitation } from '../invitation.js';

/** @typedef {import('../shapes.js').Party} Party */

/** Keys that a foot switch or a keyboard can hold, by KeyboardEvent.code. */
const KEYS = ['F1', 'F2', 'F3', 'F4', 'F8', 'F9', 'Space'];

/**
 * What is needed now and then, on the staff's half.
 * @param {import('../desk.js').Desk} desk
 * @param {import('../table.js').Sides} sides
 * @param {() => void} close
 * @param {() => void} refresh  after a choice that changes how the halves look
 */
export function more(desk, { staff, visitor }, close, refresh) {
  const { words } = staff;
  const { conversation, state } = desk;
  return h('div', { class: 'more' },
    !desk.apart && toggle(words.say('more.hands-free'), desk.handsFree, (on) => void desk.setHandsFree(on), words.say('more.hands-free.hint')),
    desk.apart && toggle(words.say('room.simultaneous'), state.simultaneous, (on) => conversation.interpreting(on)),
    typeof state.plain === 'boolean' && toggle(words.say('more.plain'), state.plain, (on) => conversation.plain(on), words.say('more.plain.hint')),
    toggle(words.say('more.slower'), desk.slower.staff, (on) => desk.setSlower('staff', on)),
    toggle(words.say('more.captions.staff'), remembered('staffCaptions'), (on) => {
      remember('staffCaptions', on);
      refresh();
    }),
    !desk.apart && toggle(words.say('more.captions.visitor'), remembered('visitorCaptions'), (on) => {
      remember('visitorCaptions', on);
      refresh();
    }),
    h('div', { class: 'choices' },
      button('person', words.say('handover.ask'), () => {
        conversation.handover('ask');
        close();
      }),
      !desk.apart && button('tablet', words.say('start.invite'), () => void showInvitation(words))),
    !desk.apart && h('fieldset', {}, h('legend', {}, words.say('more.keys')),
      keyChoice('staff', words.say('more.key.staff'), words),
      keyChoice('visitor', words.say('more.key.visitor'), words)),
    choice(words.say('more.visitor-language'), others(desk, staff.language), visitor.language, (tag) => conversation.setLanguage(tag)));
}

/**
 * @param {import('../desk.js').Desk} desk
 * @param {string} staff
 * @returns {[string, string, string][]}
 */
function others(desk, staff) {
  const own = desk.counter.languages.find(({ tag }) => tag === staff);
  return desk.counter.languages
    .filter(({ tag, translations }) => tag !== staff && translations[staff] && own?.translations[tag])
    .map(({ tag, name }) => [tag, name, tag]);
}

/**
 * @param {Party} party
 * @param {string} label
 * @param {import('../shapes.js').Catalog} words
 */
function keyChoice(party, label, words) {
  const name = party === 'staff' ? 'staffKey' : 'visitorKey';
  /** @type {[string, string][]} */
  const options = [['', words.say('key.none')], ...KEYS.map((key) => /** @type {[string, string]} */ ([key, key === 'Space' ? words.say('key.space') : key]))];
  return choice(label, options, remembered(name), (key) => remember(name, key));
}
