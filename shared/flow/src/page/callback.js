(function () {
  'use strict';
  var error = window.__nangoOAuthError;
  var message = error
    ? { type: 'nango_oauth_callback_error', payload: error }
    : { type: 'nango_oauth_callback_success' };
  function closeOnAck(event) {
    if (event.data && event.data.type === 'nango_oauth_callback_ack') window.close();
  }
  window.addEventListener('message', closeOnAck);
  try {
    var channel = new BroadcastChannel('nango-oauth-callback');
    channel.onmessage = closeOnAck;
    channel.postMessage(message);
  } catch (_) { /* Storage is refused: the opener or the session's outcomes tell. */ }
  try {
    if (window.opener) window.opener.postMessage(message, '*');
  } catch (_) { /* The provider's page has cut the opener off. */ }
  // A tab that went from the Connect UI to the provider goes back to it, which shows the outcome.
  try {
    if (!window.opener && sessionStorage.getItem('connect-ui')) {
      window.location.replace('../connect-ui/');
    }
  } catch (_) { /* Storage is refused: this page is the end, and says what happened. */ }
  if (!error) setTimeout(function () { window.close(); }, 500);
})();
