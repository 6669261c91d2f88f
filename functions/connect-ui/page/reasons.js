// Failures as texts of the page.

import { Problem } from './api.js';

/** Error codes of the API and error types of the socket. The first match counts. */
const REASONS = /** @type {const} */ ([
  ['failed.network', /^network$/],
  ['failed.cancelled', /^window_closed$/],
  ['failed.cookie', /^state_cookie_err$/],
  ['failed.values', /^(invalid_connection_config|url_param_err)$/],
  ['failed.provider', /^(callback_err|token_err|unknown_err|issuer_err|flow_not_finished)$/],
  ['failed.provider', /^(client_credentials_fetch_error|connection_validation_failed)$/],
  ['failed.setup', /^(integration_not_allowed|invalid_connection|invalid_auth_mode|auth_mode_err)$/],
  ['failed.setup', /^(unknown_provider_(config|template)|provider_config_err|unknown_config_key)$/],
  ['failed.server', /./],
]);

/**
 * The text for a failure.
 * @param {Problem} problem
 */
export function reason({ code, message }) {
  // A consent that returned nothing was almost certainly refused.
  const isRefused = code === 'callback_err' && !message.includes('Provider error');
  if (isRefused || /access_denied|consent_required/.test(message)) return 'failed.denied';
  return REASONS.find(([, codes]) => codes.test(code))?.[0] ?? 'failed.server';
}

/** @param {unknown} error */
export function asProblem(error) {
  return error instanceof Problem ? error : new Problem(0, 'unknown_error', String(error));
}
