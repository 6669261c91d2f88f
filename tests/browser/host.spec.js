// The Connect UI in a customer's page, opened by the unmodified `@nangohq/frontend` from npm.

import { expect, picture, test } from './fixtures.js';

const UNKNOWN = 'nango_connect_session_0000000000000000000000000000000000000000000000000000000000000000';

test('ready, connect, close', async ({ page, mint, embed, events }) => {
  const { token } = await mint({ allowed_integrations: ['key', 'open'] });
  const ui = await embed(token);
  await ui.getByRole('button', { name: 'Acme Mail' }).click();
  await ui.getByLabel('API key', { exact: true }).fill('good');
  await picture(page, 'embedded');
  await ui.getByRole('button', { name: 'Connect' }).click();
  await expect(ui.getByRole('heading', { name: 'Acme Mail is connected' })).toBeVisible();
  // The host is told before the person finishes.
  const told = await events();
  expect(told.map(({ type }) => type)).toEqual(['ready', 'connect']);
  expect(Object.keys(told[1].payload)).toEqual(['connectionId', 'providerConfigKey']);
  await ui.getByRole('button', { name: 'Finish' }).click();
  await expect(page.locator('#connect-ui')).toHaveCount(0);
  expect((await events()).map(({ type }) => type)).toEqual(['ready', 'connect', 'close']);
});

test('a wrong key: one error, in the page’s own words', async ({ mint, embed, events }) => {
  const { token } = await mint({ allowed_integrations: ['key'] });
  const ui = await embed(token);
  await ui.getByLabel('API key', { exact: true }).fill('bad');
  await ui.getByRole('button', { name: 'Connect' }).click();
  await expect(ui.getByRole('alert')).toBeVisible();
  await ui.getByLabel('API key', { exact: true }).fill('good');
  await ui.getByRole('button', { name: 'Connect' }).click();
  await expect(ui.getByRole('button', { name: 'Finish' })).toBeVisible();
  const errorMessage = 'Acme Mail did not accept what you entered. Check it and try again.';
  const [, error, connect] = await events();
  expect(error).toEqual({ type: 'error', payload: { errorType: 'connection_test_failed', errorMessage } });
  expect(connect.type).toBe('connect');
});

test('an ended session: one error, and a button that closes', async ({ page, embed, events }) => {
  const ui = await embed(UNKNOWN);
  await expect(ui.getByRole('heading', { name: 'This session has ended' })).toBeVisible();
  const [, error] = await events();
  expect(error.payload.errorType).toBe('unknown_connect_session_token');
  await ui.getByRole('main').or(ui.getByRole('dialog')).getByRole('button', { name: 'Close' }).last().click();
  await expect(page.locator('#connect-ui')).toHaveCount(0);
  expect((await events()).map(({ type }) => type)).toEqual(['ready', 'error', 'close']);
});

test('a token that comes late, and another one after that', async ({ page, mint, embed, events }) => {
  const [first, second] = [
    await mint({ allowed_integrations: ['key'] }),
    await mint({ allowed_integrations: ['basic'] }),
  ];
  const ui = await embed(undefined);
  await expect.poll(async () => (await events()).length).toBe(1);
  await page.evaluate((token) => window.ui.setSessionToken(token), first.token);
  await expect(ui.getByRole('heading', { name: 'Connect Acme Mail' })).toBeVisible();
  await page.evaluate((token) => window.ui.setSessionToken(token), second.token);
  await expect(ui.getByRole('heading', { name: 'Connect Acme Login' })).toBeVisible();
});

test('no token for ten seconds is said; one that comes then still works', async ({ page, mint, embed }) => {
  await page.clock.install();
  const { token } = await mint({ allowed_integrations: ['key'] });
  const ui = await embed(undefined);
  await expect(ui.locator('.bone').first()).toBeVisible();
  await page.clock.runFor(11_000);
  await expect(ui.getByRole('heading', { name: 'Start from your app' })).toBeVisible();
  await page.evaluate((sent) => window.ui.setSessionToken(sent), token);
  await expect(ui.getByRole('heading', { name: 'Connect Acme Mail' })).toBeVisible();
});

for (const way of ['X', 'Escape', 'outside']) {
  test(`${way} closes the list at once, and asks where something was typed`, async ({
    page,
    mint,
    embed,
    events,
  }) => {
    const { token } = await mint({ allowed_integrations: ['key', 'open'] });
    let ui = await embed(token);
    const leave = {
      X: () => ui.getByRole('button', { name: 'Close' }).click(),
      Escape: () => ui.locator('h1').press('Escape'),
      outside: () => page.mouse.click(5, 5),
    }[way];
    await ui.getByRole('listitem').first().waitFor();
    await leave();
    await expect(page.locator('#connect-ui')).toHaveCount(0);
    expect((await events()).at(-1)).toEqual({ type: 'close' });

    ui = await embed(token);
    await ui.getByRole('button', { name: 'Acme Mail' }).click();
    await ui.getByLabel('API key', { exact: true }).fill('x');
    await leave();
    await expect(ui.getByRole('dialog', { name: 'Leave without connecting?' })).toBeVisible();
    await ui.getByRole('button', { name: 'Stay' }).click();
    await expect(ui.getByLabel('API key', { exact: true })).toHaveValue('x');
    await leave();
    await ui.getByRole('button', { name: 'Leave' }).click();
    await expect(page.locator('#connect-ui')).toHaveCount(0);
  });
}

test('language and theme are the host’s', async ({ page, mint, embed, service }) => {
  const { token } = await mint({ allowed_integrations: ['key'] });
  const ui = await embed(token, { lang: 'fr', themeOverride: 'dark' });
  await expect(ui.getByRole('heading', { name: 'Connecter Acme Mail' })).toBeVisible();
  const root = ui.locator('html');
  await expect(root).toHaveAttribute('lang', 'fr');
  await expect(root).toHaveAttribute('data-theme', 'dark');
  await picture(page, 'embedded-dark-french');
  expect(service.url).toBeTruthy();
});

test('works where the browser refuses storage to the frame', async ({ page, mint, embed, service }) => {
  await page.addInitScript((origin) => {
    if (location.origin !== origin) return;
    for (const name of ['sessionStorage', 'localStorage']) {
      Object.defineProperty(window, name, {
        get: () => {
          throw new DOMException('Access is denied', 'SecurityError');
        },
      });
    }
  }, service.url);
  const { token } = await mint({ allowed_integrations: ['open'] });
  const ui = await embed(token);
  await ui.getByRole('button', { name: 'Connect' }).click();
  await expect(ui.getByRole('heading', { name: 'Open Data is connected' })).toBeVisible();
});

test('the token goes nowhere but to the page’s own origin', async ({ page, mint, embed, service }) => {
  const { token } = await mint({ allowed_integrations: ['key'] });
  const asked = [];
  page.on('request', (request) => asked.push(new URL(request.url()).origin));
  const ui = await embed(token, { apiURL: 'http://127.0.0.1:1' });
  await expect(ui.getByRole('heading', { name: 'Connect Acme Mail' })).toBeVisible();
  expect(new Set(asked)).toEqual(new Set([service.hostUrl, service.url]));
});
