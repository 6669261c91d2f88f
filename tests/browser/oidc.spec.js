// The whole flow in the browser with a provider that we did not write: npm's `oidc-provider`, with
// its own login and consent pages.

import { start } from '../oidc/service.js';
import { call, expect, picture, shared, test as base } from './fixtures.js';

const test = base.extend({
  /** The service with `oidc-provider` as the provider of its integrations. */
  oidc: shared(start),

  /** A page with the link of a session for one integration. */
  open: async ({ page, context, oidc }, use) => {
    // Its pages load a font from a host that the tests cannot reach.
    await context.route('https://fonts.googleapis.com/**', (route) =>
      route.fulfill({ contentType: 'text/css', body: '' }),
    );
    await use(async (key) => {
      const session = { end_user: { id: key }, allowed_integrations: [key] };
      const answer = await call(`${oidc.url}/connect/sessions`, oidc.secretKey, 'POST', session);
      await page.goto(answer.data.connect_link);
    });
  },
});

/** Presses Connect and logs in at the provider. Returns its consent page. */
async function consentOf(page) {
  const opening = page.context().waitForEvent('page');
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  const popup = await opening;
  await popup.getByPlaceholder('Enter any login').fill('ada');
  await popup.getByPlaceholder('and password').fill('lovelace');
  await popup.getByRole('button', { name: 'Sign-in' }).click();
  await popup.getByRole('button', { name: 'Continue' }).waitFor();
  return popup;
}

/** Presses a button that closes the popup, without waiting for what a click usually leads to. */
async function end(popup, role, name) {
  await popup
    .getByRole(role, { name })
    .click({ noWaitAfter: true })
    .catch(() => {});
}

/** The connections of an integration, with their credentials. */
async function connections(oidc, key) {
  const ask = (path) => call(`${oidc.url}${path}`, oidc.secretKey, 'GET');
  const { connections: all } = await ask('/connections');
  const own = all.filter((connection) => connection.provider_config_key === key);
  return Promise.all(
    own.map(({ connection_id: id }) => ask(`/connections/${id}?provider_config_key=${key}&refresh_token=true`)),
  );
}

for (const [key, name] of [
  ['basic', 'Basic'],
  ['post', 'Post'],
]) {
  test(`login, consent, connected, and the token works: ${key}`, async ({ page, oidc, open }) => {
    await open(key);
    const popup = await consentOf(page);
    await picture(popup, `oidc-consent-${key}`);
    const closed = popup.waitForEvent('close');
    await end(popup, 'button', 'Continue');
    await expect(page.getByRole('heading', { name: `${name} is connected` })).toBeVisible();
    await closed;
    const [connection, ...others] = await connections(oidc, key);
    expect(others).toEqual([]);
    const { access_token: token, refresh_token: refresh } = connection.credentials;
    expect(refresh).toBeTruthy();
    expect(await call(`${oidc.issuer}/me`, token, 'GET')).toMatchObject({ sub: 'ada' });
  });
}

test('consent refused: said in words, and no connection', async ({ page, oidc, open }) => {
  await open('once');
  const popup = await consentOf(page);
  await end(popup, 'link', 'Cancel');
  await expect(page.getByRole('alert')).toContainText(
    'Post was not connected, because access was not allowed.',
  );
  expect(await connections(oidc, 'once')).toEqual([]);
});

test('a client that the provider does not know: said in words', async ({ page, oidc, open }) => {
  await open('wrong');
  const popup = await consentOf(page);
  await end(popup, 'button', 'Continue');
  await expect(page.getByRole('alert')).toContainText('Basic did not complete the connection.');
  expect(await connections(oidc, 'wrong')).toEqual([]);
});
