/** Stands in for capture.js: a microphone that hears silence at once. */

export class MicrophoneError extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

export async function openMicrophone({ onFrame }) {
  if (globalThis.microphoneError) throw globalThis.microphoneError;
  const frames = setInterval(() => {
    for (let n = 0; n < 50; n += 1) onFrame(new Int16Array(320));
  }, 20);
  return { close: () => clearInterval(frames), setMuted() {}, label: 'stand-in' };
}

globalThis.MicrophoneError = MicrophoneError;
