import { button } from './elements.js';

/**
 * Reads a text aloud with a voice of this device, where it has one of the language. Voices that
 * would send the text elsewhere are not used.
 * @param {import('./shapes.js').Catalog} words
 * @param {() => string} text
 */
export function listenButton(words, text) {
  const speech = window.speechSynthesis;
  const element = button('voice', words.say('consent.listen'), () => {
    const voice = local();
    if (!voice) return;
    speech.cancel();
    const utterance = new SpeechSynthesisUtterance(text());
    utterance.voice = voice;
    utterance.lang = voice.lang;
    utterance.rate = 0.9;
    speech.speak(utterance);
  }, { class: 'listen' });
  const local = () => speech?.getVoices().find((voice) => voice.localService && voice.lang.toLowerCase().split(/[-_]/)[0] === words.language);
  const update = () => {
    element.hidden = !local();
  };
  update();
  speech?.addEventListener?.('voiceschanged', update);
  return {
    element,
    close() {
      speech?.removeEventListener?.('voiceschanged', update);
      speech?.cancel();
    },
  };
}
