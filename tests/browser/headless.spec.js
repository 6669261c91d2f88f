// `nango.auth()`, `create()` and `reconnect()` of `@nangohq/frontend` without the page.

import { expect, test } from './fixtures.js';

const UNKNOWN = 'nango_connect_session_0000000000000000000000000000000000000000000000000000000000000000';

/** Calls a method of the package in a customer's page. */
async function headless(page, service, method, token, key, options) {
  await page.goto(service.hostUrl);
  await page.waitForFunction(() => window.headless);
  const parameters = [method, service.url, token, key, options];
  return page.evaluate((all) => window.headless(...all), parameters);
}

for (const [method, key, options] of [
  ['create', 'open', { params: { region: 'eu' } }],
  ['auth', 'key', { credentials: { apiKey: 'good' } }],
  ['auth', 'basic', { credentials: { username: 'ada', password: 'lovelace' } }],
]) {
  test(`${method}: ${key}`, async ({ page, service, mint }) => {
    const { made } = await headless(page, service, method, (await mint()).token, key, options);
    expect(Object.keys(made)).toEqual(['connectionId', 'providerConfigKey']);
  });
}

for (const [name, key, options, type] of [
  ['a wrong key', 'key', { credentials: { apiKey: 'bad' } }, 'connection_test_failed'],
  ['not allowed', 'basic', { credentials: { username: 'a', password: 'b' } }, 'integration_not_allowed'],
]) {
  test(`refused: ${name}`, async ({ page, service, mint }) => {
    const { token } = await mint({ allowed_integrations: ['key', 'oauth'] });
    expect((await headless(page, service, 'auth', token, key, options)).type).toBe(type);
  });
}

test('refused: a session that is not there', async ({ page, service }) => {
  const options = { credentials: { apiKey: 'good' } };
  const refused = await headless(page, service, 'create', UNKNOWN, 'key', options);
  expect(refused.type).toBe('unknown_connect_session_token');
});

for (const [decision, key, expected] of [
  ['Allow', 'oauth', ['made', ['providerConfigKey', 'connectionId', 'isPending']]],
  ['Allow', 'coop', ['made', ['providerConfigKey', 'connectionId', 'isPending']]],
  ['Deny', 'oauth', 'callback_err'],
  ['Allow', 'broken', 'unknown_err'],
]) {
  test(`a popup over the socket: ${decision}, ${key}`, async ({ page, service, mint, context }) => {
    const opening = context.waitForEvent('page');
    const calling = headless(page, service, 'auth', (await mint()).token, key);
    const popup = await opening;
    await popup.waitForURL(/authorize/);
    await popup
      .getByRole('link', { name: decision })
      .click({ noWaitAfter: true })
      .catch(() => {});
    const outcome = await calling;
    if (Array.isArray(expected)) expect(Object.keys(outcome.made)).toEqual(expected[1]);
    else expect(outcome.type).toBe(expected);
  });
}

test('an integration that is not there', async ({ page, service, mint }) => {
  expect((await headless(page, service, 'auth', (await mint()).token, 'nope')).type).toBe(
    'provider_config_err',
  );
});

test('reconnect over a popup keeps the connection', async ({ page, service, mint, context, connections }) => {
  const allow = async (popup) => {
    await popup.waitForURL(/authorize/);
    await popup
      .getByRole('link', { name: 'Allow' })
      .click({ noWaitAfter: true })
      .catch(() => {});
  };
  context.once('page', allow);
  const { made } = await headless(page, service, 'auth', (await mint()).token, 'oauth');
  const before = (await connections('oauth')).length;
  const target = { connection_id: made.connectionId, integration_id: 'oauth', tags: undefined };
  const { token } = await mint(target, 'main', '/connect/sessions/reconnect');
  context.once('page', allow);
  const again = await headless(page, service, 'reconnect', token, 'oauth');
  expect(again.made.connectionId).toBe(made.connectionId);
  expect((await connections('oauth')).length).toBe(before);
});
