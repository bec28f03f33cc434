/** The microphone: 16 kHz, mono, in frames of 20 ms. */

import { MICROPHONE_RATE } from './protocol.js';

/** @typedef {'refused' | 'missing' | 'busy' | 'insecure' | 'failed'} MicrophoneTrouble */
/** @typedef {{close: () => void, setMuted: (muted: boolean) => void, label: string}} Microphone */

/** Why there is no sound from a microphone. */
export class MicrophoneError extends Error {
  /** @param {MicrophoneTrouble} code */
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** @type {Record<string, MicrophoneTrouble>} */
const TROUBLES = {
  NotAllowedError: 'refused',
  SecurityError: 'refused',
  NotFoundError: 'missing',
  OverconstrainedError: 'missing',
  NotReadableError: 'busy',
  AbortError: 'busy',
};

/**
 * Open it; the browser may ask the person first. Safari wants this to come from a tap.
 * @param {object} options
 * @param {(samples: Int16Array) => void} options.onFrame
 * @param {(level: number) => void} [options.onLevel]  how loud each frame is, 0 to 1
 * @param {() => void} [options.onLost]  it was unplugged, or taken away
 * @param {string} [options.deviceId]
 * @returns {Promise<Microphone>}
 */
export async function openMicrophone({ onFrame, onLevel, onLost, deviceId }) {
  if (!navigator.mediaDevices?.getUserMedia || !globalThis.AudioWorkletNode) throw new MicrophoneError('insecure');
  const stream = await take(deviceId);
  const track = /** @type {MediaStreamTrack} */ (stream.getAudioTracks()[0]);
  const context = new AudioContext({ sampleRate: MICROPHONE_RATE, latencyHint: 'interactive' });
  const close = () => {
    track.onended = context.onstatechange = null;
    track.stop();
    context.close().catch(() => undefined);
  };
  try {
    await context.audioWorklet.addModule(new URL('./capture-worklet.js', import.meta.url));
    const capture = new AudioWorkletNode(context, 'capture', { numberOfOutputs: 0, channelCount: 1, channelCountMode: 'explicit' });
    capture.port.onmessage = ({ data }) => {
      onLevel?.(level(data));
      onFrame(data);
    };
    context.createMediaStreamSource(stream).connect(capture);
    await context.resume();
  } catch {
    close();
    throw new MicrophoneError('failed');
  }
  // A call that came in, or a screen that was locked, leaves it suspended on some tablets. While it
  // still lasts ("interrupted"), asking would break it for good.
  context.onstatechange = () => {
    if (context.state === 'suspended') context.resume().catch(() => undefined);
  };
  track.onended = () => {
    close();
    onLost?.();
  };
  return { close, label: track.label, setMuted: (muted) => void (track.enabled = !muted) };
}

/** Root mean square. @param {Int16Array} samples */
function level(samples) {
  return Math.sqrt(samples.reduce((sum, sample) => sum + (sample / 32768) ** 2, 0) / samples.length);
}

/** @param {string} [deviceId] */
async function take(deviceId) {
  // Tests compare sound, which echo cancellation changes.
  const clean = !new URLSearchParams(location.search).has('raw');
  const audio = { channelCount: 1, echoCancellation: clean, noiseSuppression: clean, autoGainControl: clean, ...(deviceId && { deviceId }) };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio });
  } catch (error) {
    throw new MicrophoneError(TROUBLES[error instanceof DOMException ? error.name : ''] ?? 'failed');
  }
}
