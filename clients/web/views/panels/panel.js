import { button, fill, h, unique } from '../elements.js';

/** @typedef {import('../elements.js').Child} Child */

/**
 * A drawer over one half; the other half goes on. Escape closes it, and the focus goes back.
 * @param {import('../shapes.js').Catalog} words
 */
export function drawer(words) {
  const id = unique('panel');
  const title = h('h2', { id, tabindex: -1 });
  const body = h('div', { class: 'panel-body' });
  const shut = button('cross', words.say('close'), () => close(), { class: 'quiet' });
  const element = h('section', { class: 'panel', hidden: true, 'aria-labelledby': id }, h('header', {}, title, shut), body);
  /** @type {HTMLElement | null} */
  let opener = null;
  let name = '';

  const close = () => {
    if (element.hidden) return;
    element.hidden = true;
    name = '';
    opener?.setAttribute('aria-expanded', 'false');
    opener?.focus();
    opener = null;
  };
  element.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') close();
  });

  return {
    element,
    close,
    /** Whether the panel of this name is the open one. @param {string} which */
    shows: (which) => name === which,
    /**
     * @param {string} which
     * @param {string} heading
     * @param {HTMLElement} from  the button that opens it
     * @param {...(Child | Child[])} children
     */
    open(which, heading, from, ...children) {
      opener?.setAttribute('aria-expanded', 'false');
      opener = from;
      name = which;
      from.setAttribute('aria-expanded', 'true');
      title.textContent = heading;
      fill(body, ...children);
      element.hidden = false;
      body.scrollTop = 0;
      const field = body.querySelector('textarea');
      (field instanceof HTMLElement ? field : title).focus();
    },
  };
}

/** @typedef {ReturnType<typeof drawer>} Drawer */
