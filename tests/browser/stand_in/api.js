/** Stands in for api.js, so that every screen can be looked at without a service. */

const TOKEN = 'stand-in.token';

export class ApiError extends Error {
  constructor(code, message, status) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

const fixture = async (name) => (await fetch(`/fixture/${name}.json`)).json();

export async function ready() {
  return true;
}

export function signedIn() {
  return sessionStorage.getItem(TOKEN) !== null;
}

export function signOut() {
  sessionStorage.removeItem(TOKEN);
}

export async function signIn(proof) {
  if (proof.key === 'wrong') throw new ApiError('bad-key', 'wrong', 401);
  if (proof.invitation === 'old') throw new ApiError('token-expired', 'old', 401);
  sessionStorage.setItem(TOKEN, 'counter');
}

export async function counter() {
  return fixture('counter');
}

export async function invite() {
  return {
    link: `${location.origin}/#invitation=abcdefghijklmnopqrstuvwxyz`,
    qr: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 21 21"><path d="M0 0h7v7H0zM14 0h7v7h-7zM0 14h7v7H0zM9 9h3v3H9zM14 12h2v5h-2z"/></svg>',
    expires: '2026-08-18T10:10:00Z',
  };
}

export async function open(wishes) {
  globalThis.opened = wishes;
  return { conversation: 'c_1', tokens: { staff: 's', visitor: 'v', shared: 'b' }, expires: '2026-08-18T18:00:00Z' };
}

export async function notice() {
  throw new ApiError('language-not-spoken', 'no voice', 400);
}

export async function calls() {
  return [];
}

export async function close(name) {
  if (globalThis.closeFails) throw new ApiError('unreachable', 'no', 0);
  globalThis.closedConversation = name;
}

export async function identify() {
  return { candidates: [{ language: 'pt', probability: 0.81 }, { language: 'es', probability: 0.12 }, { language: 'gl', probability: 0.07 }] };
}

export async function record(name, token, format) {
  return format === 'text' ? 'record' : '<!doctype html><title>r</title><style>p{color:red}</style><h1>Record</h1><p>Bom dia.</p><script>globalThis.bad=1</script>';
}

export async function sheet() {
  return '<!doctype html><title>s</title><h1>Sheet</h1>';
}

export async function appointments() {
  return globalThis.appointmentsNow ?? [];
}

export async function appointment(id) {
  return { ...(await appointments()).find((each) => each.id === id), qr: (await invite()).qr };
}

export async function makeAppointment(wishes) {
  globalThis.made = wishes;
  const links = { staff: `${location.origin}/call#staff`, visitor: `${location.origin}/call#visitor` };
  const made = { ...wishes, id: 'K7MQ4X', state: 'early', links, present: { staff: false, visitor: false } };
  globalThis.appointmentsNow = [...(await appointments()), made];
  return made;
}

export async function revoke(id) {
  globalThis.appointmentsNow = (await appointments()).filter((each) => each.id !== id);
}

export async function inviteGuest(name, token, role) {
  return { token: 'guest', link: `${location.origin}/call#guest=${role}` };
}

export function askAs(token) {
  globalThis.askedAs = token;
}

export async function phones() {
  return globalThis.phonesNow ?? [];
}

export async function phone(name, token, number) {
  globalThis.phonesNow = [{ call: 'p_1', party: 'visitor', state: 'ringing' }];
  globalThis.dialled = number;
}

export async function hangUp() {
  globalThis.phonesNow = [{ call: 'p_1', party: 'visitor', state: 'over' }];
}
