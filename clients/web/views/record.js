/** The record of a conversation, on paper or as a file. The tablet itself keeps nothing of it. */

import { record, sheet } from '../api.js';

/** @typedef {import('./shapes.js').Opened} Opened */

/**
 * Print the record, or save it as PDF from the browser's dialog.
 * @param {Opened} opened
 * @param {'record' | 'sheet'} which
 */
export async function printRecord(opened, which) {
  const page = which === 'sheet' ? await sheet(opened.name, opened.staffToken) : await record(opened.name, opened.shared, 'html');
  const place = document.getElementById('sheet');
  if (!place) return;
  place.replaceChildren(...content(page));
  window.addEventListener('afterprint', () => place.replaceChildren(), { once: true });
  window.print();
}

/**
 * What there is to read in a page, without anything that acts.
 * @param {string} page
 */
function content(page) {
  // Its own styles are meant for a page of its own, and may not be applied in this one.
  const plain = page.replace(/<style[\s\S]*?<\/style>/gi, '');
  const parsed = new DOMParser().parseFromString(plain, 'text/html');
  for (const element of parsed.querySelectorAll('script, style, link, meta')) element.remove();
  return [...parsed.body.childNodes].map((node) => document.importNode(node, true));
}

/** @param {Opened} opened @param {string} fileName */
export async function saveRecord(opened, fileName) {
  const text = await record(opened.name, opened.shared, 'text');
  const address = URL.createObjectURL(new Blob([text], { type: 'text/plain;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
