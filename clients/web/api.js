/** What the page asks the service over HTTP. Only the counter's token is kept, and only in this tab. */

/** @typedef {import('./protocol.js').Quality} Quality */

const TOKEN = 'counter.token';
const PATIENCE_MS = 20_000;

/** The service refused, or cannot be reached (status 0). */
export class ApiError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {number} status
   */
  constructor(code, message, status) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** @returns {boolean} whether this tab holds a counter's token */
export function signedIn() {
  return sessionStorage.getItem(TOKEN) !== null;
}

export function signOut() {
  sessionStorage.removeItem(TOKEN);
}

/**
 * Sign this counter in.
 * @param {{key: string} | {invitation: string}} proof
 */
export async function signIn(proof) {
  const { token } = await ask('POST', '/v1/sign-in', { body: JSON.stringify(proof) });
  sessionStorage.setItem(TOKEN, token);
}

/** @returns {Promise<boolean>} whether the models are loaded */
export async function ready() {
  return (await fetch('/readyz', { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE_MS) })).ok;
}

/** @returns {Promise<import('./views/shapes.js').Counter>} what there is to choose from */
export async function counter() {
  return ask('GET', '/v1/counter', { token: counterToken() });
}

/** @returns {Promise<{link: string, qr: string, expires: string}>} a way in for one more tablet */
export async function invite() {
  return ask('POST', '/v1/invitations', { token: counterToken() });
}

/**
 * @param {{staff_language: string, visitor_language: string, office?: string, consent_required?: boolean}} wishes
 * @returns {Promise<{conversation: string, tokens: {staff: string, visitor: string, shared: string}, expires: string}>}
 */
export async function open(wishes) {
  return ask('POST', '/v1/conversations', { token: counterToken(), body: JSON.stringify(wishes) });
}

/**
 * @typedef {object} Call  a telephone call that goes on
 * @property {string} name
 * @property {'received' | 'calling' | 'interpreted' | 'connected'} state
 * @property {string | null} language
 * @property {number} seconds
 * @property {string | null} staff_token  to follow its conversation with
 */

/** @returns {Promise<Call[]>} */
export async function calls() {
  return (await ask('GET', '/v1/calls', { token: counterToken() })).calls;
}

/** End a conversation; nothing of it is kept. One that is over already is no error. @param {string} name */
export async function close(name) {
  try {
    await ask('DELETE', `/v1/conversations/${encodeURIComponent(name)}`, { token: counterToken() });
  } catch (error) {
    if (!(error instanceof ApiError && error.code === 'unknown-conversation')) throw error;
  }
}

/**
 * Which language that is; the sound is forgotten.
 * @param {Int16Array} samples  1 to 10 s at 16 kHz
 * @returns {Promise<{candidates: {language: string, probability: number}[]}>}
 */
export async function identify(samples) {
  const bytes = new DataView(new ArrayBuffer(2 * samples.length));
  samples.forEach((sample, place) => bytes.setInt16(2 * place, sample, true));
  return ask('POST', '/v1/language', { token: counterToken(), body: bytes.buffer });
}

/**
 * @typedef {object} Appointment
 * @property {string} id  short enough to be read aloud
 * @property {string} starts  ISO
 * @property {number} minutes
 * @property {string | null} visitor_language
 * @property {'early' | 'waiting' | 'open' | 'over' | 'revoked'} state
 * @property {{staff: string, visitor: string}} links
 * @property {{staff: boolean, visitor: boolean}} present
 */

/** @returns {Promise<Appointment[]>} by time */
export async function appointments() {
  return (await ask('GET', '/v1/appointments', { token: counterToken() })).appointments;
}

/** With the visitor's link as a picture. @param {string} id @returns {Promise<Appointment & {qr: string}>} */
export async function appointment(id) {
  return ask('GET', `/v1/appointments/${encodeURIComponent(id)}`, { token: counterToken() });
}

/**
 * @param {{starts: string, minutes: number, staff_language: string, visitor_language: string | null, office: string, interpreting: string}} wishes
 * @returns {Promise<Appointment>}
 */
export async function makeAppointment(wishes) {
  return ask('POST', '/v1/appointments', { token: counterToken(), body: JSON.stringify(wishes) });
}

/** Whoever waits is told; a conversation that goes on ends. @param {string} id */
export async function revoke(id) {
  return ask('DELETE', `/v1/appointments/${encodeURIComponent(id)}`, { token: counterToken() });
}

/** @typedef {'ringing' | 'asking' | 'in' | 'busy' | 'nobody' | 'refused' | 'over'} PhoneState */

/**
 * Who was called into a conversation by telephone.
 * @param {string} name
 * @param {string} token  of its staff
 * @returns {Promise<{call: string, party: import('./protocol.js').Party, state: PhoneState}[]>}
 */
export async function phones(name, token) {
  return (await ask('GET', `/v1/conversations/${encodeURIComponent(name)}/calls`, { token })).calls;
}

/** Call the visitor, who then takes part by telephone. @param {string} name @param {string} token @param {string} number */
export async function phone(name, token, number) {
  return ask('POST', `/v1/conversations/${encodeURIComponent(name)}/calls`, { token, body: JSON.stringify({ number }) });
}

/** @param {string} name @param {string} token @param {string} call */
export async function hangUp(name, token, call) {
  return ask('DELETE', `/v1/conversations/${encodeURIComponent(name)}/calls/${encodeURIComponent(call)}`, { token });
}

/**
 * Let somebody else into a conversation that goes on.
 * @param {string} name
 * @param {string} token  of its staff
 * @param {'colleague' | 'interpreter'} role
 * @returns {Promise<{token: string, link: string}>}
 */
export async function inviteGuest(name, token, role) {
  return ask('POST', `/v1/conversations/${encodeURIComponent(name)}/guests`, { token, body: JSON.stringify({ role }) });
}

/** What everybody must know before they speak, spoken. @param {string} language @returns {Promise<Blob>} */
export async function notice(language) {
  return ask('GET', `/v1/notice?language=${encodeURIComponent(language)}`, { token: counterToken() });
}

/**
 * @param {string} name  of the conversation
 * @param {string} token  of this conversation's staff or shared device
 * @param {'html' | 'text'} format
 * @returns {Promise<string>}
 */
export async function record(name, token, format) {
  return ask('GET', `/v1/conversations/${encodeURIComponent(name)}/record?format=${format}`, { token });
}

/** What was said so far, for the human interpreter who takes over. @param {string} name @param {string} token @returns {Promise<string>} */
export async function sheet(name, token) {
  return ask('GET', `/v1/conversations/${encodeURIComponent(name)}/sheet`, { token });
}

/** A conversation's token, on a page that is no counter. */
let instead = '';

/** Ask with the token of a conversation from now on. @param {string} token */
export function askAs(token) {
  instead = token;
}

function counterToken() {
  return instead || (sessionStorage.getItem(TOKEN) ?? '');
}

/**
 * @param {string} method
 * @param {string} path
 * @param {{token?: string, body?: string | ArrayBuffer}} more
 * @returns {Promise<any>}
 */
async function ask(method, path, { token, body }) {
  const headers = new Headers(token ? { Authorization: `Bearer ${token}` } : {});
  const signal = AbortSignal.timeout(PATIENCE_MS);
  /** @type {Response} */
  let answer;
  try {
    answer = await fetch(path, { method, headers, signal, cache: 'no-store', body: body ?? null });
  } catch (error) {
    throw new ApiError('unreachable', String(error), 0);
  }
  const json = answer.headers.get('content-type')?.includes('json');
  if (!answer.ok) {
    const told = json ? await answer.json() : {};
    throw new ApiError(told.code ?? 'internal-error', told.message ?? answer.statusText, answer.status);
  }
  if (answer.status === 204) return null;
  if (answer.headers.get('content-type')?.startsWith('audio/')) return answer.blob();
  return json ? answer.json() : answer.text();
}
