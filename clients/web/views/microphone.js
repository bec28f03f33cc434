import { MicrophoneError } from '../capture.js';

/**
 * Why the microphone does not work, in words that tell what to do.
 * @param {unknown} error
 * @param {import('./shapes.js').Catalog} words
 * @returns {string} empty where the error is another one
 */
export function microphoneTrouble(error, words) {
  return error instanceof MicrophoneError ? words.say(`microphone.${error.code}`) : '';
}
