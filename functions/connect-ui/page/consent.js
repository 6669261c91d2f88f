// Consent at the provider: a popup, and four ways to learn how it ended. Each of them can fail: the
// socket ends during a long consent, a provider that isolates its page (COOP) cuts off the opener,
// and the broadcast channel does not reach a frame on another site. So the server is asked too, and
// a popup that seems closed proves nothing.

import { API, Problem, connectQuery, read } from './api.js';

/** How long to wait for the socket's id before the popup goes on without it. */
const GREETING_MS = 2_500;
const POLL_MS = 2_000;

/** One attempt at a consent. */
export class Consent {
  /**
   * @param {string} token
   * @param {Session} session
   * @param {string} key
   * @param {Partial<Filled>} filled
   * @param {Set<string>} known outcomes of earlier attempts
   */
  constructor(token, session, key, filled, known) {
    this.token = token;
    this.key = key;
    this.known = known;
    this.query = connectQuery(token, filled);
    this.isOver = false;
    /** @type {Window | null} */
    this.popup = null;
    this.socket = new WebSocket(socketUrl(session.websocketsPath));
    this.channel = new BroadcastChannel('nango-oauth-callback');
    this.greeted = this.greeting();
    /** @type {Promise<Connected>} */
    this.outcome = new Promise((resolve, reject) => {
      this.succeed = (/** @type {string} */ id) =>
        this.end(() => resolve({ providerConfigKey: key, connectionId: id, isPending: false }));
      this.fail = (/** @type {Problem} */ problem) => this.end(() => reject(problem));
    });
    this.outcome.catch(() => {});
    this.listen();
  }

  /** The address of the consent. */
  get url() {
    return new URL(`oauth/connect/${encodeURIComponent(this.key)}?${this.query}`, API).href;
  }

  /** Opens the popup, within the click or the browser blocks it. Returns whether it opened. */
  open() {
    const [width, height] = [520, 680];
    const left = window.screenX + Math.max(0, (window.outerWidth - width) / 2);
    const top = window.screenY + Math.max(0, (window.outerHeight - height) / 3);
    this.popup = window.open(
      'about:blank',
      '_blank',
      `popup,width=${width},height=${height},left=${left},top=${top}`,
    );
    if (!this.popup) return false;
    this.greeted.then(() => this.isOver || this.popup?.location.replace(this.url));
    return true;
  }

  /** Whether the popup seems closed. One that its provider isolates seems closed too. */
  get seemsClosed() {
    return this.popup?.closed ?? false;
  }

  /** Stops waiting. */
  cancel() {
    this.fail(new Problem(0, 'window_closed', ''));
  }

  /** Resolves when the socket has sent its id, or after a timeout. Later it sends the outcome. */
  greeting() {
    return new Promise((resolve) => {
      const goOn = () => resolve(undefined);
      window.setTimeout(goOn, GREETING_MS);
      this.socket.onerror = goOn;
      this.socket.onmessage = ({ data }) => {
        const message = parsedMessage(data);
        if (message.message_type === 'connection_ack') {
          this.query.set('ws_client_id', message.ws_client_id);
          goOn();
        } else if (message.message_type === 'success') {
          this.succeed?.(message.connection_id);
        } else if (message.message_type === 'error') {
          this.fail?.(new Problem(0, message.error_type, message.error_desc));
        }
      };
    });
  }

  /** Listens to the popup, the channel and the server. */
  listen() {
    // The callback page has no ids, and on the channel it may be that of another tab. So its message
    // only says when to ask. A failure that the server did not store is taken from our own popup.
    this.hear = (/** @type {MessageEvent} */ { origin, source, data }) => {
      if (origin !== API.origin || !/^nango_oauth_callback_(success|error)$/.test(data?.type)) return;
      const isOurs = source !== null && source === this.popup;
      if (isOurs) this.popup?.postMessage({ type: 'nango_oauth_callback_ack' }, API.origin);
      const { errorType, message } = data.payload ?? {};
      void this.ask(message).then(() => {
        if (isOurs && errorType) this.fail?.(new Problem(0, errorType, message));
      });
    };
    window.addEventListener('message', this.hear);
    this.channel.addEventListener('message', this.hear);
    this.timer = window.setInterval(() => void this.ask(), POLL_MS);
    this.onFocus = () => void this.ask();
    window.addEventListener('focus', this.onFocus);
  }

  /**
   * Asks the server for an outcome that is new.
   * @param {string} [said] the callback page's error message; the server stores only its kind
   */
  async ask(said = '') {
    if (this.isOver) return;
    try {
      const found = fresh(await outcomes(this.token), this.key, this.known);
      if (found?.connection_id) this.succeed?.(found.connection_id);
      else if (found) this.fail?.(new Problem(0, found.error ?? 'unknown_err', said));
    } catch (error) {
      if (error instanceof Problem && error.isSessionGone) this.fail?.(error);
    }
  }

  /** @param {() => void} settle */
  end(settle) {
    if (this.isOver) return;
    this.isOver = true;
    window.clearInterval(this.timer);
    if (this.onFocus) window.removeEventListener('focus', this.onFocus);
    if (this.hear) window.removeEventListener('message', this.hear);
    this.channel.close();
    this.socket.close();
    this.popup?.close();
    settle();
  }
}

/**
 * The outcomes of a session.
 * @param {string} token
 * @returns {Promise<Outcome[]>}
 */
export function outcomes(token) {
  return read('connect/session/outcomes', token);
}

/**
 * The newest outcome of an integration that is not known yet.
 * @param {Outcome[]} all
 * @param {string} key
 * @param {Set<string>} known
 */
export function fresh(all, key, known) {
  return all.findLast(
    (outcome) => outcome.provider_config_key === key && !known.has(JSON.stringify(outcome)),
  );
}

/**
 * The socket's URL, from a path of the API or a host of its own (`//host/stage`).
 * @param {string} path
 */
function socketUrl(path) {
  const url = new URL(path, API);
  url.protocol = url.protocol.replace('http', 'ws');
  return url;
}

/** @param {string} text */
function parsedMessage(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

/** In-app browsers: they block popups, and Google and others refuse to show their consent there. */
export const isInApp =
  /FBAN|FBAV|Instagram|Line\/|; wv\)|MicroMessenger|LinkedInApp|Snapchat|Twitter for|TikTok/.test(
    navigator.userAgent,
  );

const TRIP = 'connect-ui';

/**
 * Goes to the provider in this tab. The callback page returns here if it finds the stored trip.
 * @param {string} url
 * @param {Trip} trip
 */
export function goThere(url, trip) {
  try {
    sessionStorage.setItem(TRIP, JSON.stringify(trip));
  } catch {
    // Without storage, the callback page is the end, and says so.
  }
  window.location.assign(url);
}

/**
 * The trip that was stored before the tab went to the provider. It is returned once.
 * @returns {Trip | null}
 */
export function cameBack() {
  try {
    const trip = sessionStorage.getItem(TRIP);
    sessionStorage.removeItem(TRIP);
    return trip && JSON.parse(trip);
  } catch {
    return null;
  }
}
