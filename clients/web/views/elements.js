/**
 * A small builder of elements, so that no text ever becomes markup.
 *
 * @typedef {string | number | Node | null | undefined | false} Child
 * @typedef {Record<string, unknown>} Attributes  `on…` are listeners; false, null and undefined are left out
 */

import { PATHS } from './icons.js';

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  set(element, attributes);
  element.append(...kept(children));
  return element;
}

/**
 * @param {Element} element
 * @param {Attributes} attributes
 */
export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on') && typeof value === 'function') {
      element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    } else if (value === false || value === null || value === undefined) {
      element.removeAttribute(name);
    } else {
      element.setAttribute(name, value === true ? '' : String(value));
    }
  }
}

/**
 * Replace what is in an element.
 * @param {Element} element
 * @param {...(Child | Child[])} children
 */
export function fill(element, ...children) {
  element.replaceChildren(...kept(children));
}

/** @param {(Child | Child[])[]} children */
function kept(children) {
  return children
    .flat()
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}

const SVG = 'http://www.w3.org/2000/svg';

/**
 * A picture that goes with a word, never instead of one.
 * @param {keyof typeof PATHS} name
 * @param {string} [className]
 */
export function icon(name, className = '') {
  const svg = document.createElementNS(SVG, 'svg');
  set(svg, { class: `icon icon-${name} ${className}`.trim(), viewBox: '0 0 24 24', 'aria-hidden': 'true', focusable: 'false' });
  for (const d of PATHS[name]) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', d);
    svg.append(path);
  }
  return svg;
}

/**
 * One of the drawings by its name, an image by its address, or else another drawing.
 * @param {string} name
 * @param {keyof typeof PATHS} otherwise
 * @param {string} [className]  of a drawing
 */
export function picture(name, otherwise, className) {
  if (name in PATHS) return icon(/** @type {keyof typeof PATHS} */ (name), className);
  return name.includes('/') ? h('img', { src: name, alt: '' }) : icon(otherwise, className);
}

/**
 * A button with a picture and its word.
 * @param {keyof typeof PATHS} picture
 * @param {string} word
 * @param {(event: MouseEvent) => void} onclick
 * @param {Attributes} [attributes]
 */
export function button(picture, word, onclick, attributes = {}) {
  return h('button', { type: 'button', onclick, ...attributes }, icon(picture), h('span', { class: 'word' }, word));
}

let numbers = 0;

/**
 * An id nobody else on the page has.
 * @param {string} name
 */
export function unique(name) {
  numbers += 1;
  return `${name}-${numbers}`;
}

/**
 * @param {string} word
 * @param {Attributes} [attributes]
 */
export function hidden(word, attributes = {}) {
  return h('span', { class: 'unseen', ...attributes }, word);
}
