// The fields of a form, from the provider's template and the session's defaults.

import { t } from './messages.js';

/** The modes whose credentials come from a page of the provider. */
export const REDIRECTING = new Set([
  'OAUTH1',
  'OAUTH2',
  'CUSTOM',
  'APP',
  'INSTALL_PLUGIN',
  'MCP_OAUTH2',
  'MCP_OAUTH2_GENERIC',
]);

/** The endpoints of the modes with a form. */
const ENDPOINTS = {
  API_KEY: 'api-auth/api-key',
  AWS_SIGV4: 'auth/aws-sigv4',
  BASIC: 'api-auth/basic',
  BILL: 'auth/bill',
  JWT: 'auth/jwt',
  NONE: 'auth/unauthenticated',
  OAUTH2_CC: 'oauth2/auth',
  SIGNATURE: 'auth/signature',
  TBA: 'auth/tba',
  TWO_STEP: 'auth/two-step',
};

/** The credentials of a mode, for templates that do not describe them: names of those that are secret end in `*`. */
const CREDENTIALS = {
  API_KEY: ['apiKey*'],
  AWS_SIGV4: ['role_arn', 'region'],
  BASIC: ['username', 'password*'],
  BILL: ['username', 'password*', 'organization_id', 'dev_key*'],
  JWT: ['privateKey*'],
  OAUTH2_CC: ['client_id', 'client_secret*'],
  SIGNATURE: ['username', 'password*'],
  TBA: ['token_id', 'token_secret*'],
};

/** The defaults that a session leaves to the user by an empty text (contract section 10.4). */
const OVERRIDES = [
  'oauth_client_id_override',
  'oauth_client_secret_override',
  'oauth_refresh_token_override',
];

/**
 * The endpoint for the credentials of a mode; `undefined` if this page knows none.
 * @param {string} mode
 * @returns {string | undefined}
 */
export function endpoint(mode) {
  return ENDPOINTS[/** @type {keyof typeof ENDPOINTS} */ (mode)];
}

/**
 * The fields of a provider in the order of the form, without those that the session gives.
 * @param {Provider} provider
 * @param {Record<string, unknown>} defaults
 * @returns {Field[]}
 */
export function fieldsOf(provider, defaults) {
  /** @type {Field[]} */
  const fields = [];
  const mode = provider.auth_mode;
  const described = REDIRECTING.has(mode) ? {} : (provider.credentials ?? {});
  for (const entry of CREDENTIALS[/** @type {keyof typeof CREDENTIALS} */ (mode)] ?? []) {
    const [name, secret] = entry.endsWith('*') ? [entry.slice(0, -1), true] : [entry, false];
    fields.push({ title: t(`field.${name}`), secret, ...described[name], name, place: 'credentials' });
  }
  for (const [name, field] of Object.entries(described)) {
    if (fields.some((known) => known.name === name)) continue;
    fields.push({ title: name, ...field, name, place: 'credentials' });
  }
  for (const [name, field] of Object.entries(provider.connection_config ?? {})) {
    if (name in defaults) continue;
    fields.push({ title: name, ...field, name, place: 'params' });
  }
  for (const name of OVERRIDES) {
    if (defaults[name] !== '') continue;
    fields.push({ title: t(`field.${name}`), secret: name !== OVERRIDES[0], name, place: 'override' });
  }
  // One that the server fills in is never asked.
  const asked = fields.filter((field) => !field.automated);
  return asked.sort((a, b) => (a.order ?? 99) - (b.order ?? 99));
}

/**
 * The body of the connect endpoint of a mode.
 * @param {string} mode
 * @param {Record<string, string>} credentials
 */
export function bodyOf(mode, credentials) {
  if (mode === 'SIGNATURE') return { ...credentials, type: mode };
  // A key of the form `id:secret` is sent as its two parts (section 4 of the flow).
  const pair = mode === 'JWT' && /^([^:\s]+):([^:\s]+)$/.exec(credentials.privateKey ?? '');
  if (pair) return { ...credentials, privateKey: { id: pair[1], secret: pair[2] } };
  return credentials;
}

/**
 * A value as it was meant: without the blanks of pasted text, and only the part that is asked for if
 * a whole address was pasted.
 * @param {Field} field
 * @param {string} text
 */
export function cleaned(field, text) {
  let value = text.replace(/[\u200b-\u200d\u2060\ufeff]/g, '').trim();
  const { prefix = '', suffix = '' } = field;
  if (prefix && value.startsWith(prefix)) value = value.slice(prefix.length);
  else if (prefix && suffix) value = value.replace(/^https?:\/\//, '');
  const end = suffix ? value.indexOf(suffix) : -1;
  return end > 0 ? value.slice(0, end) : value;
}

const FORMATS = {
  email: /^[^\s@]+@[^\s@]+\.[^\s@]+$/,
  hostname: /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i,
  uri: /^[a-z][a-z0-9+.-]*:\/\/\S+$/i,
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
};

/**
 * The complaint about a value; an empty text if it is valid.
 * @param {Field} field
 * @param {string} value
 */
export function complaint(field, value) {
  // Both parts of a password may be empty (section 4 of the flow): some APIs take a key as the user name.
  if (!value) return field.optional || field.name === 'password' ? '' : t('field.empty');
  const known = field.format && FORMATS[field.format];
  if (isPattern(field.pattern, value) && (!known || known.test(value))) return '';
  return field.example ? t('field.form.example', { example: field.example }) : t('field.form');
}

/**
 * Whether a value matches a pattern. A pattern that this browser cannot read matches everything.
 * @param {string | undefined} pattern
 * @param {string} value
 */
function isPattern(pattern, value) {
  try {
    return !pattern || new RegExp(pattern).test(value);
  } catch {
    return true;
  }
}
