/** Hertz of two friendly tones. */
const TONES = [523.25, 783.99];
const LASTS_MS = 1500;

/**
 * Two tones: to try the loudspeaker, and to call somebody back who looks elsewhere.
 * @param {string} speaker  id of the loudspeaker; empty: the system's choice
 */
export async function chime(speaker) {
  const context = new AudioContext();
  if (speaker && 'setSinkId' in context) {
    await /** @type {{setSinkId: (id: string) => Promise<void>}} */ (/** @type {unknown} */ (context)).setSinkId(speaker).catch(() => undefined);
  }
  const start = context.currentTime + 0.05;
  TONES.forEach((frequency, place) => {
    const tone = new OscillatorNode(context, { frequency });
    const gain = new GainNode(context, { gain: 0 });
    const at = start + 0.35 * place;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.3, at + 0.03);
    gain.gain.linearRampToValueAtTime(0, at + 0.5);
    tone.connect(gain).connect(context.destination);
    tone.start(at);
    tone.stop(at + 0.55);
  });
  setTimeout(() => void context.close(), LASTS_MS);
}
