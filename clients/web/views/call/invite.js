/** Letting others into the call: a colleague, or a human interpreter. */

import { inviteGuest } from '../../api.js';
import { button, fill, h } from '../elements.js';
import { teller } from '../frame.js';
import { trouble } from '../sign-in.js';

/**
 * @param {import('../shapes.js').Catalog} words
 * @param {import('../shapes.js').Opened} opened
 */
export function showGuestInvitation(words, opened) {
  const status = teller();
  const made = h('div', { class: 'made' });
  const make = async (/** @type {'colleague' | 'interpreter'} */ role) => {
    status.tell(words.say('wait'));
    try {
      const { link } = await inviteGuest(opened.name, opened.staffToken, role);
      fill(made, h('p', {}, words.say(`call.invite.${role}.hint`)), h('a', { href: link, class: 'address', dir: 'ltr', target: '_blank', rel: 'noopener' }, link), copyButton(words, link));
      status.tell('');
    } catch (error) {
      status.tell(trouble(error, words));
    }
  };
  const dialog = h('dialog', { class: 'invitation', lang: words.language, dir: words.direction, 'aria-labelledby': 'guest-title', onclose: () => dialog.remove() },
    h('h2', { id: 'guest-title' }, words.say('call.invite')),
    h('div', { class: 'choices' },
      button('people', words.say('call.colleague'), () => void make('colleague')),
      button('person', words.say('call.interpreter'), () => void make('interpreter'))),
    made, status.element,
    button('cross', words.say('close'), () => dialog.close(), { class: 'primary' }));
  document.body.append(dialog);
  dialog.showModal();
}

/** @param {import('../shapes.js').Catalog} words @param {string} text */
export function copyButton(words, text) {
  const element = button('cards', words.say('call.copy'), async () => {
    try {
      await navigator.clipboard.writeText(text);
      element.querySelector('.word')?.replaceChildren(words.say('call.copied'));
    } catch {
      // It stands there to be marked and copied by hand.
    }
  });
  return element;
}
