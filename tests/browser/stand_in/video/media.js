/** Stands in for video/media.js: devices that do what a test says, and a camera that sees a drawing. */

export const choosesSpeaker = true;

export class Media extends EventTarget {
  constructor() {
    super();
    this.stream = new MediaStream();
    this.asked = [];
    this.state = {
      camera: 'off',
      microphone: 'off',
      muted: false,
      devices: {
        camera: [{ id: 'c1', label: 'Integrated Camera' }],
        microphone: [{ id: 'default', label: 'Default' }, { id: 'm1', label: 'Internal Microphone' }],
        speaker: [{ id: 's1', label: 'Internal Speakers' }],
      },
      used: { camera: 'c1', microphone: 'm1', speaker: '' },
      appeared: null,
    };
    globalThis.closedMedia = globalThis.media; // a page that closes it makes a new one
    globalThis.media = this;
  }

  get camera() { return this.stream.getVideoTracks()[0]; }
  get microphone() { return this.stream.getAudioTracks()[0]; }

  async open() {
    if (globalThis.asking) await new Promise(() => undefined);
    for (const track of face('#6d4c41').getTracks()) this.stream.addTrack(track);
    this.put({ camera: 'on', microphone: 'on', ...globalThis.devicesNow });
  }

  async useCamera(id) { this.ask('useCamera', id); }
  async useMicrophone(id) { this.ask('useMicrophone', id); }
  useSpeaker(id) { this.ask('useSpeaker', id); }
  async answer(use) { this.ask('answer', use); }
  close() { this.ask('close'); }

  async setCamera(on) {
    this.ask('setCamera', on);
    this.put({ camera: on ? 'on' : 'off' });
  }

  setMuted(muted) {
    this.ask('setMuted', muted);
    this.put({ muted });
  }

  ask(...what) { this.asked.push(what); }

  put(changes) {
    this.state = { ...this.state, ...changes };
    this.dispatchEvent(new Event('change'));
  }
}

/** Somebody, more or less. @param {string} hair */
export function face(hair) {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width: 640, height: 480 });
  const pen = canvas.getContext('2d');
  const stream = canvas.captureStream(5);
  const disc = (colour, x, y, wide, high) => {
    pen.fillStyle = colour;
    pen.beginPath();
    pen.ellipse(x, y, wide, high, 0, 0, 7);
    pen.fill();
  };
  const draw = () => {
    pen.fillStyle = '#8fa7b3';
    pen.fillRect(0, 0, 640, 480);
    disc('#37474f', 320, 500, 190, 150);
    disc(hair, 320, 190, 115, 130);
    disc('#e6b893', 320, 220, 92, 115);
    disc('#222222', 285, 210, 9, 9);
    disc('#222222', 355, 210, 9, 9);
  };
  draw();
  setInterval(draw, 200);
  return stream;
}

globalThis.face = face;
