import { remember, remembered } from '../preferences.js';
import { keepAwake } from './awake.js';
import { resumeCover } from './cover.js';
import { conversationHalf } from './half.js';
import { printRecord } from './record.js';
import { table } from './table.js';

/** @typedef {import('./desk.js').Desk} Desk */
/** @typedef {import('./shapes.js').Party} Party */

/**
 * @param {object} options
 * @param {Desk} options.desk
 * @param {import('./shapes.js').Opened} options.opened
 * @param {boolean} options.reloaded  the page was; a tap is needed before there is sound
 * @param {() => void} options.onend
 * @returns {import('./shapes.js').View}
 */
export function conversationView({ desk, opened, reloaded, onend }) {
  const { sides, conversation } = desk;
  const title = sides.staff.words.say('conversation.title', { language: sides.visitor.name });
  const { element, halves, setLayout } = table(sides, title, conversation.watching ? 'alone' : remembered('layout'));
  element.classList.add('conversation');
  const update = () => {
    for (const half of [staff, visitor]) half.update();
  };
  const actions = {
    onend,
    onlayout() {
      const layout = remembered('layout') === 'across' ? 'beside' : 'across';
      remember('layout', layout);
      setLayout(layout);
    },
    onsheet: () => printRecord(opened, 'sheet'),
    onrefresh: update,
  };
  const staff = conversationHalf(desk, sides.staff, halves.staff, actions);
  const visitor = conversationHalf(desk, sides.visitor, halves.visitor, actions);
  const release = keys(desk, { staff: staff.talk, visitor: visitor.talk });
  const awake = keepAwake();

  conversation.addEventListener('change', update);
  desk.addEventListener('change', update);
  update();
  if (reloaded) coverUntilTapped(desk, halves);
  return {
    element,
    title,
    close() {
      conversation.removeEventListener('change', update);
      desk.removeEventListener('change', update);
      release();
      awake();
    },
  };
}

/**
 * @param {Desk} desk
 * @param {Record<Party, HTMLElement>} halves
 */
function coverUntilTapped(desk, halves) {
  /** @type {HTMLElement[]} */
  const covers = [];
  const go = () => {
    for (const cover of covers) cover.remove();
    void desk.openMicrophone();
  };
  for (const party of /** @type {Party[]} */ (['staff', 'visitor'])) {
    const cover = resumeCover(desk.sides[party], go);
    covers.push(cover);
    halves[party].append(cover);
  }
}

/**
 * Keys that are held to talk: on the keyboard, or of a foot switch.
 * @param {Desk} desk
 * @param {Record<Party, {down: () => void, up: () => void}>} buttons
 * @returns {() => void}
 */
function keys(desk, buttons) {
  const whose = (/** @type {KeyboardEvent} */ event) => {
    if (desk.handsFree || event.ctrlKey || event.altKey || event.metaKey || event.code === '') return null;
    const inUse = event.target instanceof Element && event.target.closest('button, input, textarea, select, a');
    if (event.code === 'Space' && inUse) return null;
    if (event.code === remembered('staffKey')) return buttons.staff;
    return event.code === remembered('visitorKey') ? buttons.visitor : null;
  };
  const down = (/** @type {KeyboardEvent} */ event) => {
    const button = whose(event);
    if (!button) return;
    event.preventDefault();
    if (!event.repeat) button.down();
  };
  const up = (/** @type {KeyboardEvent} */ event) => {
    const button = whose(event);
    if (!button) return;
    event.preventDefault();
    button.up();
  };
  document.addEventListener('keydown', down);
  document.addEventListener('keyup', up);
  return () => {
    document.removeEventListener('keydown', down);
    document.removeEventListener('keyup', up);
  };
}
