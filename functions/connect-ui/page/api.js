// Calls to the API, which has this page's origin and is one folder above it. So no call needs a
// preflight, and the token goes nowhere else, whatever `apiURL` in the page's URL says.

/** The URL of the API. */
export const API = new URL('../', document.baseURI);

/** A call that failed: the code and the message of the API, or `network`. */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {string} message
   */
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }

  /** Whether the session has expired, was deleted, or never was. */
  get isSessionGone() {
    return this.status === 401 || /^session_deleted$|connect_session_token/.test(this.code);
  }
}

/**
 * Calls the API and returns the JSON of its answer.
 * @param {string} path
 * @param {RequestInit} [init]
 * @returns {Promise<any>}
 */
export async function call(path, init = {}) {
  let response;
  let json;
  try {
    const signal = init.signal ?? AbortSignal.timeout(30_000);
    response = await fetch(new URL(path, API), { ...init, signal, credentials: 'omit', cache: 'no-store' });
    json = await response.json();
  } catch (error) {
    if (!response) throw new Problem(0, 'network', String(error));
  }
  if (response.ok && json) return json;
  const { code = 'server_error', message = '' } = json?.error ?? {};
  throw new Problem(response.status, code, message);
}

/**
 * Reads something with the session's token.
 * @param {string} path
 * @param {string} token
 */
export async function read(path, token) {
  const { data } = await call(path, { headers: { authorization: `Bearer ${token}` } });
  return data;
}

/**
 * The query of a connect endpoint, as the SDK writes it (contract section 10.2).
 * @param {string} token
 * @param {Partial<Filled>} filled
 */
export function connectQuery(token, { params = {}, override = {} } = {}) {
  const query = new URLSearchParams({ connect_session_token: token });
  for (const [name, value] of Object.entries(params)) query.append(`params[${name}]`, value);
  for (const [name, value] of Object.entries(override)) query.append(`credentials[${name}]`, value);
  return query;
}

/** @type {{ event: string, timestamp: string, dimensions?: { integration: string } }[]} */
const unsent = [];

/**
 * Records what a person does, for the operator's log (contract section 10.5). It is sent later, with
 * the time of the event.
 * @param {string} event
 * @param {string} [integration]
 */
export function note(event, integration) {
  const dimensions = integration ? { integration } : undefined;
  unsent.push({ event, timestamp: new Date().toISOString(), dimensions });
}

/**
 * Sends the recorded events when nobody waits: after ten seconds, and when the page is left.
 * @param {() => string} token
 */
export function sendNotes(token) {
  const send = () => {
    for (const event of unsent.splice(0)) {
      if (!token()) continue;
      const body = JSON.stringify({ token: token(), ...event });
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body, keepalive: true };
      fetch(new URL('connect/telemetry', API), init).catch(() => {});
    }
  };
  window.setInterval(send, 10_000);
  window.addEventListener('pagehide', send);
}
