import { notice } from '../api.js';
import { button } from './elements.js';

/**
 * Reads the notice aloud with the service's own voice. Without one the button is not there.
 * @param {import('./shapes.js').Catalog} words
 * @param {import('./shapes.js').Language | undefined} language
 */
export function listenButton(words, language) {
  /** @type {HTMLAudioElement | null} */
  let playing = null;
  const stop = () => {
    playing?.pause();
    if (playing) URL.revokeObjectURL(playing.src);
    playing = null;
  };
  const element = button('voice', words.say('consent.listen'), async () => {
    if (playing) return stop();
    playing = new Audio();
    const mine = playing;
    try {
      const sound = await notice(language?.tag ?? words.language);
      if (playing !== mine) return;
      mine.src = URL.createObjectURL(sound);
      mine.onended = stop;
      await mine.play();
    } catch {
      element.hidden = true; // it can be read
    }
  }, { class: 'listen' });
  element.hidden = !language?.voice;
  return { element, close: stop };
}
