/** What lies over a half while nobody can talk there: a person takes over, or the page was reloaded. */

import { deaf } from '../told.js';
import { button, fill, h, icon } from './elements.js';
import { teller } from './frame.js';
import { trouble } from './sign-in.js';

/** @typedef {import('./desk.js').Desk} Desk */
/** @typedef {import('./shapes.js').Side} Side */

/**
 * @param {Desk} desk
 * @param {Side} side
 * @param {object} actions
 * @param {() => Promise<void>} actions.onsheet  print what was said so far, for the human interpreter
 * @param {(text: string) => void} announce
 */
export function handoverCover(desk, side, { onsheet }, announce) {
  const { words, party } = side;
  const element = h('div', { class: 'cover handover', hidden: true });
  const asked = h('div', { class: 'asked-person', hidden: true });
  let shown = '';
  const update = () => {
    const { handover } = desk.state;
    const now = JSON.stringify(handover);
    if (now === shown) return;
    shown = now;
    element.hidden = !deaf(handover);
    asked.hidden = handover?.state !== 'proposed';
    if (handover?.state === 'proposed') {
      fill(asked, ...proposal());
      announce(words.say(`handover.proposed.${party}`));
    }
    if (deaf(handover)) {
      fill(element, ...active());
      announce(words.say('handover.active'));
    }
  };

  const proposal = () => {
    const { conversation } = desk;
    const reason = desk.state.handover?.reason ?? 'asked';
    if (party === 'visitor') return [h('p', {}, icon('person'), words.say('handover.proposed.visitor'))];
    return [
      h('p', {}, icon('person'), words.say(words.has(`handover.reason.${reason}`) ? `handover.reason.${reason}` : 'handover.reason.asked')),
      h('div', { class: 'choices' },
        button('person', words.say('handover.begin'), () => conversation.handover('begin'), { class: 'primary' }),
        button('machine', words.say('handover.refuse'), () => conversation.handover('end'))),
    ];
  };

  const active = () => {
    const handover = desk.state.handover;
    const told = teller();
    const text = words.pick(handover?.messages ?? {}) || words.say('handover.off');
    return [
      icon('person', 'huge'),
      h('h2', {}, words.say('handover.active')),
      h('p', { class: 'lead' }, icon('machine'), text),
      contact(handover?.contact, words),
      party === 'staff' && h('div', { class: 'choices' },
        button('print', words.say('handover.sheet'), () => void onsheet().catch((error) => told.tell(trouble(error, words)))),
        button('machine', words.say('handover.end'), () => desk.conversation.handover('end'), { class: 'primary' })),
      told.element,
    ];
  };
  return { element, asked, update };
}

/**
 * @param {{name?: string, phone?: string, link?: string} | null | undefined} contact
 * @param {import('./shapes.js').Catalog} words
 */
function contact(contact, words) {
  if (!contact || !(contact.name || contact.phone || contact.link)) return null;
  return h('dl', { class: 'contact' },
    contact.name && h('div', {}, h('dt', {}, icon('person'), words.say('handover.name')), h('dd', { dir: 'auto' }, contact.name)),
    contact.phone && h('div', {}, h('dt', {}, icon('phone'), words.say('handover.phone')),
      h('dd', { dir: 'ltr' }, h('a', { href: `tel:${contact.phone.replace(/[^\d+]/g, '')}` }, contact.phone))),
    contact.link && h('div', {}, h('dt', {}, icon('link'), words.say('handover.link')),
      h('dd', { dir: 'ltr' }, h('a', { href: safe(contact.link), target: '_blank', rel: 'noopener noreferrer' }, contact.link))));
}

/** @param {string} link */
function safe(link) {
  return /^https?:\/\//i.test(link) ? link : undefined;
}

/**
 * After a reload a browser wants one tap before it gives microphone and loudspeaker.
 * @param {Side} side
 * @param {() => void} oncontinue
 */
export function resumeCover({ words }, oncontinue) {
  const element = h('div', { class: 'cover' },
    h('h2', {}, words.say('resume.title')),
    button('forward', words.say('resume.go'), () => oncontinue(), { class: 'primary big directed' }));
  return element;
}
