/** Stands in for video/call.js: a test says who is in the picture. */

import { face } from './media.js';

export class Call extends EventTarget {
  constructor({ conversation, media }) {
    super();
    this.conversation = conversation;
    this.media = media;
    this.asked = [];
    this.state = { peers: [], sharing: false, narrow: false, level: 0.15 };
    globalThis.call = this;
  }

  /** Each with a picture, unless it says otherwise. */
  meet(...peers) {
    const streams = this.state.peers.map(({ stream }) => stream);
    this.put({
      peers: peers.map((peer, place) => ({
        connection: `k_${place}`, role: 'visitor', parties: ['visitor'], picture: 'live', camera: true, microphone: true, sharing: false, away: false,
        screen: peer.sharing ? (this.document ??= paper()) : null,
        stream: streams[place] ?? face(['#1d1a17', '#b8863b'][place] ?? '#777777'),
        ...peer,
      })),
    });
  }

  put(changes) {
    this.state = { ...this.state, ...changes };
    this.dispatchEvent(new Event('change'));
  }

  async share() {
    this.asked.push(['share']);
    this.put({ sharing: true });
    return true;
  }

  stopSharing() {
    this.asked.push(['stopSharing']);
    this.put({ sharing: false });
  }

  setLevel(level) {
    this.asked.push(['setLevel', level]);
    this.put({ level });
  }

  leave() { this.asked.push(['leave']); }
}

/** A document somebody shows. */
function paper() {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width: 800, height: 600 });
  const pen = canvas.getContext('2d');
  const stream = canvas.captureStream(5);
  const draw = () => {
    pen.fillStyle = '#ffffff';
    pen.fillRect(0, 0, 800, 600);
    pen.fillStyle = '#333333';
    for (let row = 0; row < 12; row += 1) pen.fillRect(60, 60 + 40 * row, 680 - 50 * (row % 4), 12);
  };
  draw();
  setInterval(draw, 200);
  return stream;
}
