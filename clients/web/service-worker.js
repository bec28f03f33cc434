/**
 * Keeps the page itself, so that it opens, and can say so, while the service is away. What the
 * service answers to the page is never kept.
 */

/**
 * @typedef {object} ServiceWorkerScope  what is used here of the scope a service worker runs in
 * @property {Location} location
 * @property {() => Promise<void>} skipWaiting
 * @property {{claim: () => Promise<void>}} clients
 * @property {(type: string, listener: (event: WorkerEvent) => void) => void} addEventListener
 *
 * @typedef {object} WorkerEvent
 * @property {(work: Promise<void>) => void} waitUntil
 * @property {Request} request
 * @property {(answer: Promise<Response>) => void} respondWith
 */

const worker = /** @type {ServiceWorkerScope} */ (/** @type {unknown} */ (self));
const SHELL = 'shell';

worker.addEventListener('install', (event) => event.waitUntil(worker.skipWaiting()));
worker.addEventListener('activate', (event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener('fetch', (event) => {
  const { method, url } = event.request;
  if (method === 'GET' && ofTheShell(new URL(url))) event.respondWith(fromNetworkOrKept(event.request));
});

/** @param {URL} address */
function ofTheShell({ origin, pathname }) {
  return origin === worker.location.origin && (pathname === '/' || pathname === '/call' || pathname.startsWith('/web/'));
}

/**
 * The network first, so that nobody works with an old page after the service was renewed.
 * @param {Request} request
 */
async function fromNetworkOrKept(request) {
  const shell = await caches.open(SHELL);
  try {
    const answer = await fetch(request);
    if (answer.ok) await shell.put(request, answer.clone());
    return answer;
  } catch (error) {
    const kept = await shell.match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}
