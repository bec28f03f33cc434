/** What the views before and after a conversation have in common. */

import { h, icon, unique } from './elements.js';

/** @typedef {import('./shapes.js').Catalog} Catalog */
/** @typedef {import('./elements.js').Child} Child */

/** The product's mark and name. */
export function mark() {
  return h('p', { class: 'mark' }, icon('phrases'), h('span', {}, 'Interpreter'));
}

/**
 * A page in one language with its heading, which gets the focus when it is shown.
 * @param {Catalog} words
 * @param {string} className
 * @param {...(Child | Child[])} children
 */
export function page(words, className, ...children) {
  return h('div', { class: `page ${className}`, lang: words.language, dir: words.direction }, ...children);
}

/**
 * @param {string} text
 * @param {string} [className]
 */
export function heading(text, className = '') {
  return h('h1', { tabindex: -1, class: className, 'data-focus': true }, text);
}

/**
 * Where errors and progress are told, also to those who cannot see them.
 * @returns {{element: HTMLElement, tell: (text: string) => void}}
 */
export function teller() {
  const element = h('p', { class: 'told', role: 'status' });
  return {
    element,
    tell(text) {
      element.replaceChildren(...(text ? [icon('info'), text] : []));
    },
  };
}

/**
 * A labelled choice.
 * @param {string} label
 * @param {[value: string, text: string, lang?: string][]} options
 * @param {string} value
 * @param {(value: string) => void} onchoice
 */
export function choice(label, options, value, onchoice) {
  const id = unique('choice');
  const select = h(
    'select',
    { id, onchange: () => onchoice(select.value) },
    options.map(([tag, text, lang]) => h('option', { value: tag, lang, selected: tag === value }, text)),
  );
  return h('div', { class: 'field' }, h('label', { for: id }, label), select);
}

/**
 * @param {string} label
 * @param {boolean} on
 * @param {(on: boolean) => void} onchange
 * @param {string} [explanation]
 */
export function toggle(label, on, onchange, explanation) {
  const id = unique('toggle');
  const box = h('input', { id, type: 'checkbox', role: 'switch', checked: on, onchange: () => onchange(box.checked) });
  return h(
    'div',
    { class: 'toggle' },
    h('label', { for: id }, h('span', {}, label), explanation && h('small', {}, explanation)),
    box,
  );
}
