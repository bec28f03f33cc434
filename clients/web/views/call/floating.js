/** The picture in a small window above all others, with its captions where the browser can do that. */

/**
 * @typedef {{requestWindow: (size: {width: number, height: number}) => Promise<Window>, window: Window | null}} DocumentPictures
 */

const SIZE = { width: 400, height: 300 };

/** What a browser calls when somebody looks at another window in the course of a call. */
const BY_ITSELF = /** @type {MediaSessionAction} */ ('enterpictureinpicture');

/** @returns {DocumentPictures | undefined} */
function documents() {
  return /** @type {{documentPictureInPicture?: DocumentPictures}} */ (/** @type {unknown} */ (globalThis)).documentPictureInPicture;
}

/** Whether this browser can do it at all. */
export function canFloat() {
  return documents() !== undefined || document.pictureInPictureEnabled;
}

/**
 * @param {() => HTMLElement} pictures  pictures and captions
 * @param {() => HTMLVideoElement | null} video  the largest, where a browser can only float that
 */
export function floating(pictures, video) {
  const close = () => {
    documents()?.window?.close();
    if (document.pictureInPictureElement) void document.exitPictureInPicture().catch(() => undefined);
  };
  const open = async () => {
    const own = documents();
    if (!own) {
      await video()?.requestPictureInPicture();
      return;
    }
    const small = await own.requestWindow(SIZE);
    const moved = pictures();
    const home = moved.parentElement;
    for (const link of document.querySelectorAll('link[rel="stylesheet"]')) small.document.head.append(link.cloneNode(true));
    small.document.documentElement.lang = document.documentElement.lang;
    small.document.documentElement.dir = document.documentElement.dir;
    small.document.title = document.title;
    small.document.body.className = 'small-window';
    const back = document.createComment('the pictures');
    moved.replaceWith(back);
    small.document.body.append(moved);
    home?.classList.add('out');
    small.addEventListener('pagehide', () => {
      back.replaceWith(moved);
      home?.classList.remove('out');
    }, { once: true });
  };
  const byItself = (/** @type {MediaSessionActionHandler | null} */ act) => {
    try {
      navigator.mediaSession?.setActionHandler(BY_ITSELF, act);
    } catch {
      // Not every browser does it by itself.
    }
  };
  byItself(() => void open().catch(() => undefined));
  return {
    /** Out, or back in. */
    async toggle() {
      if (documents()?.window || document.pictureInPictureElement) close();
      else await open().catch(() => undefined); // the person, or the browser, thought better of it
    },
    back: close,
    close() {
      byItself(null);
      close();
    },
  };
}
