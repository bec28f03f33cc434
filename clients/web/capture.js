/** The microphone: 16 kHz, mono, in frames of 20 ms. */

import { MICROPHONE_RATE } from './protocol.js';

/** @typedef {'refused' | 'missing' | 'busy' | 'insecure' | 'failed'} MicrophoneTrouble */
/**
 * @typedef {object} Microphone
 * @property {() => void} close
 * @property {(muted: boolean) => void} setMuted
 * @property {(track: MediaStreamTrack | undefined) => void} replace  hear another one from now on, or nothing
 * @property {string} label
 */

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
 * @param {() => MediaStreamTrack | undefined} [options.track]  of one that others open and close; while there is none, nothing is heard
 * @returns {Promise<Microphone>}
 */
export async function openMicrophone({ onFrame, onLevel, onLost, track }) {
  if (!globalThis.AudioWorkletNode) throw new MicrophoneError('insecure');
  const own = track ? null : ((await take({ audio: soundWanted() })).getAudioTracks()[0] ?? null);
  const context = new AudioContext({ sampleRate: MICROPHONE_RATE, latencyHint: 'interactive' });
  const close = () => {
    if (own) own.onended = null;
    context.onstatechange = null;
    own?.stop();
    context.close().catch(() => undefined);
  };
  let muted = false;
  /** @type {MediaStreamAudioSourceNode | null} */
  let source = null;
  /** @type {MediaStreamTrack | undefined} */
  let now;
  /** @type {Microphone['replace']} */
  let replace;
  try {
    await context.audioWorklet.addModule(new URL('./capture-worklet.js', import.meta.url));
    const capture = new AudioWorkletNode(context, 'capture', { numberOfOutputs: 0, channelCount: 1, channelCountMode: 'explicit' });
    capture.port.onmessage = ({ data }) => {
      onLevel?.(level(data));
      if (!muted) onFrame(data);
    };
    replace = (heard) => {
      if (heard === now) return;
      source?.disconnect();
      source = heard ? context.createMediaStreamSource(new MediaStream([heard])) : null;
      source?.connect(capture);
      now = heard;
    };
    replace(own ?? track?.());
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
  if (own) {
    own.onended = () => {
      close();
      onLost?.();
    };
  }
  return {
    close,
    replace,
    label: now?.label ?? '',
    setMuted(wanted) {
      muted = wanted;
      if (own) own.enabled = !wanted; // somebody else's goes on where it goes to others, too
    },
  };
}

/** Root mean square. @param {Int16Array} samples */
function level(samples) {
  return Math.sqrt(samples.reduce((sum, sample) => sum + (sample / 32768) ** 2, 0) / samples.length);
}

/** What is asked of a microphone. @param {string} [deviceId] @returns {MediaTrackConstraints} */
export function soundWanted(deviceId) {
  // Tests compare sound, which echo cancellation changes.
  const clean = !new URLSearchParams(location.search).has('raw');
  return { channelCount: 1, echoCancellation: clean, noiseSuppression: clean, autoGainControl: clean, ...(deviceId && { deviceId: { exact: deviceId } }) };
}

/**
 * What the person's devices give.
 * @param {MediaStreamConstraints} wanted
 * @throws {MicrophoneError}
 */
export async function take(wanted) {
  if (!navigator.mediaDevices?.getUserMedia) throw new MicrophoneError('insecure');
  try {
    return await navigator.mediaDevices.getUserMedia(wanted);
  } catch (error) {
    throw new MicrophoneError(TROUBLES[error instanceof DOMException ? error.name : ''] ?? 'failed');
  }
}
