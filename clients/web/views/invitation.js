import { invite } from '../api.js';
import { button, fill, h } from './elements.js';
import { teller } from './frame.js';
import { trouble } from './sign-in.js';

/** @typedef {import('./shapes.js').Catalog} Catalog */

/**
 * A code that opens another tablet, once, within ten minutes.
 * @param {Catalog} words
 */
export async function showInvitation(words) {
  const status = teller();
  const code = h('div', { class: 'code' });
  const close = button('cross', words.say('close'), () => dialog.close(), { class: 'primary' });
  const dialog = h(
    'dialog',
    { class: 'invitation', lang: words.language, dir: words.direction, 'aria-labelledby': 'invitation-title', onclose: () => dialog.remove() },
    h('h2', { id: 'invitation-title' }, words.say('invitation.title')),
    h('p', {}, words.say('invitation.hint')),
    code,
    status.element,
    close,
  );
  document.body.append(dialog);
  dialog.showModal();
  status.tell(words.say('wait'));
  try {
    const { link, qr } = await invite();
    fill(code, picture(qr, words), h('a', { href: link, class: 'address', dir: 'ltr' }, link));
    status.tell('');
  } catch (error) {
    status.tell(trouble(error, words));
  }
}

/**
 * As an image, in which nothing of the drawing can act.
 * @param {string} svg
 * @param {Catalog} words
 */
function picture(svg, words) {
  return h('img', { src: `data:image/svg+xml,${encodeURIComponent(svg)}`, alt: words.say('invitation.code'), width: 240, height: 240 });
}
