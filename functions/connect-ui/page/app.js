// The way from a session token to a connection.

import { Problem, call, connectQuery, note, read, sendNotes } from './api.js';
import { Card, askToLeave } from './card.js';
import { Consent, cameBack, fresh, goThere, isInApp, outcomes } from './consent.js';
import { h } from './dom.js';
import { REDIRECTING, bodyOf, endpoint, fieldsOf } from './fields.js';
import { Form, outside } from './form.js';
import { isEmbedded, onToken, tellError, tellHost } from './host.js';
import { loadLogos, logo } from './logos.js';
import { t } from './messages.js';
import { asProblem, reason } from './reasons.js';
import { applyTheme } from './theme.js';
import { lead, list, primary, secondary, sign, wayBack } from './views.js';

/** How long a frame waits for a token from its host before it shows an error. */
const TOKEN_WAIT_MS = 10_000;
const WATCH_MS = 400;

const address = new URL(location.href);
/** Kept in the history entry, which survives a reload and needs no storage. */
let token = address.searchParams.get('session_token') ?? history.state?.token ?? '';

// The token is removed from the address bar at once, so that history and screenshots lack it.
address.searchParams.delete('session_token');
history.replaceState({ token }, '', address);

const card = new Card(leave);
/** @type {Session} */
let session;
/** @type {Integration[]} */
let integrations = [];
/** @type {Form | null} */
let form = null;
/** @type {Consent | null} */
let consent = null;
let isConnected = false;
/** Counts the views shown, so that a late answer for an earlier one changes nothing. */
let turn = 0;

sendNotes(() => token);
onToken((sent) => {
  token = sent;
  history.replaceState({ token }, '', address);
  void load();
});
tellHost({ type: 'ready' });
const left = cameBack();
/** The visit to a provider from which this tab returns, if it belongs to this session. */
const trip = left && (!token || token === left.token) ? left : null;
token ||= trip?.token ?? '';
history.replaceState({ token }, '', address);
if (token) void load();
else if (isEmbedded) window.setTimeout(() => token || showNoToken(), TOKEN_WAIT_MS);
else showNoToken();

/** Reads the session and its integrations, and shows them. */
async function load() {
  const mine = (turn += 1);
  try {
    const answers = await Promise.all([read('connect/session', token), read('integrations', token)]);
    if (mine !== turn) return;
    session = answers[0];
    integrations = answers[1].sort(byName);
  } catch (error) {
    if (mine === turn) showFailure(error, load);
    return;
  }
  note('open');
  applyTheme(session.connectUISettings, address.searchParams.get('theme'));
  card.watermark.hidden = !session.connectUISettings.showWatermark;
  if (integrations.length) loadLogos(integrations.map(({ provider }) => provider));
  const back = integrations.find(({ unique_key }) => unique_key === trip?.key);
  if (trip && back) void showReturn(back, trip);
  else if (isStraight()) void showIntegration(integrations[0]);
  else showList();
}

/**
 * @param {Integration} one
 * @param {Integration} other
 */
function byName(one, other) {
  return one.display_name.localeCompare(other.display_name, undefined, { numeric: true });
}

/** Whether there is nothing to choose. */
function isStraight() {
  const allowed = new Set(session.allowed_integrations);
  return integrations.length === 1 && (session.isReconnecting || allowed.size === 1);
}

/** @param {string} [chosen] the integration that the person comes back from */
function showList(chosen) {
  turn += 1;
  form = null;
  if (!integrations.length) {
    card.show({ title: t('none.title'), mark: sign('end'), children: [lead(t('none.text')), exit()] });
    return;
  }
  note('view:list');
  const choose = (/** @type {Integration} */ integration) => {
    note('click:integration', integration.unique_key);
    void showIntegration(integration);
  };
  const children = list(integrations, choose, (text) => card.say(text));
  card.show({ title: t('list.title'), children: [lead(t('list.lead')), ...children] });
  const at = integrations.findIndex(({ unique_key }) => unique_key === chosen);
  card.content.querySelectorAll('li')[at]?.querySelector('button')?.focus();
}

/**
 * Shows how an integration is connected.
 * @param {Integration} integration
 */
async function showIntegration(integration) {
  const mine = (turn += 1);
  const { unique_key: key, display_name: name } = integration;
  const back = isStraight() ? undefined : () => showList(key);
  const title = t(session.isReconnecting ? 'reconnect.title' : 'connect.title', { name });
  const mark = logo(integration.provider, name);
  const bones = ['bone', 'bone row', 'bone row'].map((bone) => h('div', { class: bone }));
  card.show({ title, mark, back, children: bones });
  /** @type {Provider} */
  let provider;
  const known = /** @type {Set<string>} */ (new Set());
  try {
    provider = await read(`providers/${encodeURIComponent(integration.provider)}`, token);
    if (REDIRECTING.has(provider.auth_mode)) await remember(known);
  } catch (error) {
    if (mine === turn) showFailure(error, () => showIntegration(integration), back);
    return;
  }
  if (mine !== turn) return;
  note('view:integration', key);
  const mode = provider.auth_mode;
  const isRedirect = REDIRECTING.has(mode);
  if (!isRedirect && !endpoint(mode)) {
    showFailure(new Problem(0, 'invalid_auth_mode', ''), load, back);
    return;
  }
  const chosen = session.overrides?.[key]?.docs_connect ?? provider.docs_connect;
  const fields = fieldsOf(provider, session.integrations_config_defaults?.[key]?.connection_config ?? {});
  form = new Form(fields, chosen, () => {
    note('click:connect', key);
    if (isRedirect) startConsent(integration, known, showForm);
    else void submit(integration, mode);
  });
  const docs = chosen ?? (fields.length ? provider.docs : undefined);
  const help =
    docs === undefined
      ? null
      : h('p', { class: 'help' }, outside(docs, t(fields.length ? 'docs.fields' : 'docs')));
  help?.addEventListener('click', () => note('click:doc', key));
  const text = isRedirect
    ? t('lead.consent', { name })
    : t(fields.length ? 'lead.fields' : 'lead.nothing', { name });
  const children = [lead(text), isRedirect && isInApp && copyLink(), form.element, help];
  const showForm = () => show(integration, title, children);
  showForm();
}

/**
 * @param {Integration} integration
 * @param {string} title
 * @param {import('./dom.js').Child[]} children
 */
function show(integration, title, children) {
  const back = isStraight() ? undefined : () => showList(integration.unique_key);
  card.show({ title, mark: logo(integration.provider, integration.display_name), back, children });
}

/**
 * Remembers the outcomes that the session has already, or only the failures among them, so that the
 * next attempt does not take them for its own.
 * @param {Set<string>} known
 * @param {boolean} [onlyFailures]
 */
async function remember(known, onlyFailures = false) {
  try {
    for (const outcome of await outcomes(token)) {
      if (outcome.error || !onlyFailures) known.add(JSON.stringify(outcome));
    }
  } catch (error) {
    if (error instanceof Problem && error.isSessionGone) throw error;
  }
}

/**
 * Sends the credentials. What was typed stays in the form until they are taken.
 * @param {Integration} integration
 * @param {string} mode
 */
async function submit(integration, mode) {
  const mine = turn;
  const filling = /** @type {Form} */ (form);
  const key = integration.unique_key;
  filling.setBusy(true);
  card.say(t('connecting'));
  try {
    const { credentials, ...rest } = filling.filled;
    /** @type {Connected} */
    const { connectionId, providerConfigKey } = await call(
      `${endpoint(mode)}/${encodeURIComponent(key)}?${connectQuery(token, rest)}`,
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(bodyOf(mode, credentials)),
      },
    );
    tellHost({ type: 'connect', payload: { connectionId, providerConfigKey } });
    if (mine === turn) showSuccess(integration);
  } catch (error) {
    filling.setBusy(false);
    if (mine === turn) showRefusal(error, integration, filling);
  }
}

/**
 * Opens the provider's window and waits. Called inside the click.
 * @param {Integration} integration
 * @param {Set<string>} known
 * @param {() => void} showForm
 */
function startConsent(integration, known, showForm) {
  const { unique_key: key, display_name: name } = integration;
  const mine = (turn += 1);
  const filling = /** @type {Form} */ (form);
  const { params, override } = filling.filled;
  const attempt = new Consent(token, session, key, { params, override }, known);
  const here = () => {
    turn += 1;
    attempt.cancel();
    goThere(attempt.url, { token, key, known: [...known] });
  };
  consent = attempt;
  // On a phone a popup is a tab that hides this one.
  const isPhone = window.matchMedia('(pointer: coarse) and (max-width: 600px)').matches;
  if (!isEmbedded && (isPhone || isInApp)) {
    here();
    return;
  }
  const isOpen = attempt.open();
  const text = h('p', { class: 'lead', role: 'status' }, t(isOpen ? 'wait.text' : 'blocked.text', { name }));
  const again = secondary(t('wait.again'), () => {
    attempt.cancel();
    startConsent(integration, known, showForm);
  });
  const link = h(
    'a',
    { class: 'button primary', href: attempt.url, target: '_blank', rel: 'opener' },
    t('blocked.open', { name }),
  );
  const cancel = secondary(t('cancel'), () => {
    attempt.cancel();
  });
  const steps = isOpen ? [again] : [link, !isEmbedded && secondary(t('blocked.here'), here)];
  const waiting = h(
    'div',
    { class: 'waiting' },
    h('span', { class: 'spinner', 'aria-hidden': 'true' }),
    text,
  );
  show(integration, t(isOpen ? 'wait.title' : 'blocked.title', { name }), [
    waiting,
    h('div', { class: 'buttons' }, ...steps, cancel),
  ]);
  card.back.hidden = true;
  if (!isOpen) {
    note('popup:blocked_by_browser', key);
    tellError('blocked_by_browser', t('blocked.text', { name }));
    void attempt.greeted?.then(() => link.setAttribute('href', attempt.url));
  }
  const watch = window.setInterval(() => {
    if (!attempt.seemsClosed) return;
    window.clearInterval(watch);
    text.textContent = t('wait.closed', { name });
  }, WATCH_MS);
  attempt.outcome
    .then((connected) => {
      tellHost({ type: 'connect', payload: connected });
      if (mine === turn) showSuccess(integration);
    })
    .catch((problem) => {
      if (mine !== turn) return;
      turn += 1;
      remember(known, true).catch(() => {});
      showForm();
      filling.say();
      if (problem.code === 'window_closed') note('popup:closed_early', key);
      showRefusal(problem, integration, filling);
    })
    .finally(() => window.clearInterval(watch));
}

/**
 * This tab was at the provider and has returned.
 * @param {Integration} integration
 * @param {Trip} gone
 */
async function showReturn(integration, gone) {
  const mine = turn;
  let found;
  try {
    found = fresh(await outcomes(token), integration.unique_key, new Set(gone.known));
  } catch {
    // Whatever the reason, the form is shown again.
  }
  if (mine !== turn) return;
  if (found?.connection_id) {
    showSuccess(integration);
    return;
  }
  await showIntegration(integration);
  if (found && form) showRefusal(new Problem(0, found.error ?? 'unknown_err', ''), integration, form);
}

/**
 * Something was not accepted: the form says why, and keeps what was typed.
 * @param {unknown} error
 * @param {Integration} integration
 * @param {Form} filling
 */
function showRefusal(error, integration, filling) {
  const problem = asProblem(error);
  const name = integration.display_name;
  if (problem.isSessionGone) {
    showFailure(problem, load);
    return;
  }
  card.say('');
  note(
    problem.code === 'connection_test_failed' ? 'view:credentials_error' : 'view:unknown_error',
    integration.unique_key,
  );
  if (problem.code === 'connection_test_failed') {
    filling.refuse(t('refused.credentials', { name }));
    tellError(problem.code, t('refused.credentials', { name }));
    return;
  }
  const text = t(reason(problem), { name });
  filling.say(text, problem.code === 'network' ? '' : problem.message);
  filling.button.focus();
  tellError(problem.code, problem.code === 'window_closed' ? text : problem.message || text);
}

/** @param {Integration} integration */
function showSuccess(integration) {
  turn += 1;
  form = null;
  consent = null;
  isConnected = true;
  const name = integration.display_name;
  note('view:success', integration.unique_key);
  const another =
    integrations.length > 1 &&
    !session.isReconnecting &&
    secondary(t('another'), () => showList(integration.unique_key));
  const finish = primary(t('finish'), () => {
    note('click:finish', integration.unique_key);
    close();
  });
  const text = t(isEmbedded ? 'done.text' : 'done.link', { name });
  const title = t('done.title', { name });
  const buttons = h('div', { class: 'buttons' }, isEmbedded ? finish : wayBack(), another);
  card.show({ title, mark: sign('check'), said: `${title}. ${text}`, children: [lead(text), buttons] });
}

/**
 * Shows an error that ends everything until the person acts on it.
 * @param {unknown} error
 * @param {() => void} again
 * @param {() => void} [back]
 */
function showFailure(error, again, back) {
  turn += 1;
  const problem = asProblem(error);
  consent?.cancel();
  form = null;
  if (problem.isSessionGone) {
    tellError('unknown_connect_session_token', `${t('gone.title')}. ${t('gone.text')}`);
    card.show({
      title: t('gone.title'),
      mark: sign('end'),
      said: t('gone.text'),
      children: [lead(t('gone.text')), exit()],
    });
    return;
  }
  note('view:unknown_error');
  const text = t(reason(problem), { name: t('provider') });
  tellError(problem.code, problem.message || text);
  card.show({
    title: t('failed.title'),
    mark: sign('end'),
    back,
    said: text,
    children: [lead(text), primary(t('again'), again)],
  });
}

function showNoToken() {
  card.show({ title: t('direct.title'), mark: sign('end'), children: [lead(t('direct.text')), exit()] });
}

/** The button that leaves the page at an end: to the host, or to the site the person came from. */
function exit() {
  return isEmbedded ? primary(t('close'), close) : wayBack();
}

/** The hint for in-app browsers, which some providers refuse. */
function copyLink() {
  const url = `${address.origin}${address.pathname}?session_token=${token}`;
  const button = secondary(t('inapp.copy'), () => {
    navigator.clipboard.writeText(url).then(
      () => card.say(t('inapp.copied')),
      () => window.prompt(t('inapp.copy'), url),
    );
  });
  return h('div', { class: 'note' }, h('p', {}, t('inapp.text')), button);
}

/** Leaves the page, and asks first if something would be lost. */
function leave() {
  note('click:close');
  if (!isConnected && (form?.isTouched || (consent && !consent.isOver)))
    askToLeave(t('leave.question'), close);
  else close();
}

function close() {
  consent?.cancel();
  tellHost({ type: 'close' });
}
