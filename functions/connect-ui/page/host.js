// The page that embeds this one: the protocol of `@nangohq/frontend` (contract section 10.2).

/** Whether this page is in a frame, not opened by its link. */
export const isEmbedded = window.parent !== window;

let isClosed = false;

/**
 * Sends the host a message. Nothing follows `close`. The host may have any origin, and no message
 * has a secret: a connection's id is useless without the customer's secret key.
 * @param {HostMessage} message
 */
export function tellHost(message) {
  if (!isEmbedded || isClosed) return;
  isClosed = message.type === 'close';
  window.parent.postMessage(message, '*');
}

/**
 * @param {string} errorType
 * @param {string} errorMessage
 */
export function tellError(errorType, errorMessage) {
  tellHost({ type: 'error', payload: { errorType, errorMessage } });
}

/**
 * Calls `take` with each session token that the host sends, now or later.
 * @param {(token: string) => void} take
 */
export function onToken(take) {
  window.addEventListener('message', ({ source, data }) => {
    if (source !== window.parent || data?.type !== 'session_token') return;
    if (typeof data.sessionToken === 'string' && data.sessionToken) take(data.sessionToken);
  });
}
