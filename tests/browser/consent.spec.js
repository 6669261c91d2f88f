// OAuth: a popup at the provider, and every way in which it can end.

import { expect, picture, test } from './fixtures.js';

/** Presses Connect and answers the popup, at the provider's page. */
async function popupOf(page, ui = page) {
  const opening = page.context().waitForEvent('page');
  await ui.getByRole('button', { name: 'Connect' }).click();
  const popup = await opening;
  await popup.waitForURL(/authorize/);
  return popup;
}

/** Decides at the provider. The popup may close before the click is reported. */
async function decide(popup, name) {
  await popup
    .getByRole('link', { name })
    .click({ noWaitAfter: true })
    .catch(() => {});
}

const done = (ui, name) => expect(ui.getByRole('heading', { name: `${name} is connected` })).toBeVisible();

test('allowed: connected, and the popup is gone', async ({ page, mint, embed, events }) => {
  const ui = await embed((await mint({ allowed_integrations: ['oauth'] })).token);
  const popup = await popupOf(page, ui);
  await picture(page, 'waiting');
  await expect(ui.getByRole('button', { name: 'Open the window again' })).toBeVisible();
  const closed = popup.waitForEvent('close');
  await decide(popup, 'Allow');
  await done(ui, 'Acme Cloud');
  await closed;
  const [ready, connect, ...more] = await events();
  expect([ready.type, connect.type, more]).toEqual(['ready', 'connect', []]);
  expect(Object.keys(connect.payload)).toEqual(['providerConfigKey', 'connectionId', 'isPending']);
  expect(connect.payload).toMatchObject({ providerConfigKey: 'oauth', isPending: false });
});

// D60
test('denied is said in words, and then allowed', async ({ page, mint, embed, events }) => {
  const ui = await embed((await mint({ allowed_integrations: ['oauth'] })).token);
  await decide(await popupOf(page, ui), 'Deny');
  await expect(ui.getByRole('alert')).toContainText(
    'Acme Cloud was not connected, because access was not allowed.',
  );
  await expect(ui.getByRole('alert').locator('code')).toBeHidden();
  await picture(page, 'denied');
  await decide(await popupOf(page, ui), 'Allow');
  await done(ui, 'Acme Cloud');
  const told = await events();
  expect(told.map(({ type }) => type)).toEqual(['ready', 'error', 'connect']);
  expect(told[1].payload.errorType).toBe('callback_err');
});

test('a token endpoint that fails', async ({ page, mint, embed, events }) => {
  const ui = await embed((await mint({ allowed_integrations: ['broken'] })).token);
  await decide(await popupOf(page, ui), 'Allow');
  await expect(ui.getByRole('alert')).toContainText('Acme Broken did not complete the connection.');
  expect((await events()).map(({ type }) => type)).toEqual(['ready', 'error']);
});

for (const decision of ['Allow', 'Deny']) {
  test(`a provider that isolates its page: ${decision}`, async ({ page, mint, embed, events }) => {
    const ui = await embed((await mint({ allowed_integrations: ['coop'] })).token);
    const popup = await popupOf(page, ui);
    // Its popup seems closed, which only makes the page ask the server.
    await expect(ui.getByText('Did the window of Acme Bank close?')).toBeVisible();
    await decide(popup, decision);
    if (decision === 'Allow') await done(ui, 'Acme Bank');
    else await expect(ui.getByRole('alert')).toContainText('access was not allowed');
    const told = await events();
    expect(told.map(({ type }) => type)).toEqual(['ready', decision === 'Allow' ? 'connect' : 'error']);
  });
}

/** Cuts the ways from the popup to the page. */
async function cut(context, { socket, channel, opener }) {
  if (socket)
    await context.routeWebSocket(
      /./,
      (route) => void (socket === 'dead' ? route.close() : route.onMessage(() => {})),
    );
  await context.addInitScript(
    ({ isWithoutChannel, isWithoutOpener }) => {
      if (isWithoutChannel) BroadcastChannel.prototype.postMessage = () => {};
      if (isWithoutOpener && window.opener) window.opener = null;
    },
    { isWithoutChannel: Boolean(channel), isWithoutOpener: Boolean(opener) },
  );
}

for (const lost of [
  { socket: 'dead' },
  { socket: 'silent' },
  { socket: 'dead', channel: true },
  { socket: 'dead', channel: true, opener: true },
]) {
  for (const decision of ['Allow', 'Deny']) {
    test(`${decision} without ${Object.keys(lost).join(', ')} (${lost.socket})`, async ({
      page,
      context,
      mint,
      embed,
      quiet,
    }) => {
      await cut(context, lost);
      const ui = await embed((await mint({ allowed_integrations: ['coop'] })).token);
      await decide(await popupOf(page, ui), decision);
      if (decision === 'Allow') await done(ui, 'Acme Bank');
      else await expect(ui.getByRole('alert')).toContainText('access was not allowed');
      quiet.splice(0, quiet.length, ...quiet.filter((text) => !text.includes('WebSocket')));
    });
  }
}

for (const detectClosedAuthWindow of [false, true]) {
  // D62
  test(`a closed popup: reopen, cancel (detectClosedAuthWindow ${detectClosedAuthWindow})`, async ({
    page,
    mint,
    embed,
    events,
  }) => {
    const ui = await embed((await mint({ allowed_integrations: ['oauth'] })).token, {
      detectClosedAuthWindow,
    });
    await (await popupOf(page, ui)).close();
    await expect(ui.getByText('Did the window of Acme Cloud close?')).toBeVisible({ timeout: 1_500 });
    expect(await events()).toHaveLength(1);
    const opening = page.context().waitForEvent('page');
    await ui.getByRole('button', { name: 'Open the window again' }).click();
    await (await opening).close();
    await ui.getByRole('button', { name: 'Cancel' }).click();
    await expect(ui.getByRole('alert')).toContainText('Nothing was connected.');
    await expect(ui.getByRole('button', { name: 'Connect' })).toBeFocused();
    const [, error, ...more] = await events();
    expect([error.payload.errorType, more]).toEqual(['window_closed', []]);
  });
}

test('the window of an attempt that was given up still counts', async ({ page, mint }) => {
  await page.goto((await mint({ allowed_integrations: ['coop'] })).link);
  const first = await popupOf(page);
  await page.getByRole('button', { name: 'Cancel' }).click();
  const second = await popupOf(page);
  await decide(first, 'Allow');
  await done(page, 'Acme Bank');
  await second.close().catch(() => {});
});

test('a blocked popup: a link that opens it', async ({ page, mint, embed, events }) => {
  await page.addInitScript(() => {
    if (window.parent !== window) window.open = () => null;
  });
  const ui = await embed((await mint({ allowed_integrations: ['oauth'] })).token);
  await ui.getByRole('button', { name: 'Connect' }).click();
  await expect(ui.getByText('Your browser blocked the window of Acme Cloud.')).toBeVisible();
  expect((await events())[1].payload.errorType).toBe('blocked_by_browser');
  await picture(page, 'blocked');
  const opening = page.context().waitForEvent('page');
  await ui.getByRole('link', { name: 'Open Acme Cloud' }).click();
  const tab = await opening;
  await tab.waitForURL(/authorize/);
  await decide(tab, 'Allow');
  await done(ui, 'Acme Cloud');
});

test('a blocked popup, by link: in this tab, and back', async ({ page, mint }) => {
  await page.addInitScript(() => {
    window.open = () => null;
  });
  await page.goto((await mint({ allowed_integrations: ['oauth', 'key'] })).link);
  await page.getByRole('button', { name: 'Acme Cloud' }).click();
  await page.getByRole('button', { name: 'Connect' }).click();
  await page.getByRole('button', { name: 'Continue in this tab' }).click();
  await page.waitForURL(/authorize/);
  await page.getByRole('link', { name: 'Allow' }).click();
  await done(page, 'Acme Cloud');
});

test.describe('on a phone', () => {
  test.use({ viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true });

  for (const decision of ['Allow', 'Deny']) {
    test(`the consent is in the same tab, and comes back: ${decision}`, async ({ page, mint }) => {
      await page.goto((await mint({ allowed_integrations: ['oauth'] })).link);
      await page.getByRole('button', { name: 'Connect' }).click();
      await page.waitForURL(/authorize/);
      await page.getByRole('link', { name: decision }).click();
      if (decision === 'Allow') await done(page, 'Acme Cloud');
      else await expect(page.getByRole('alert')).toContainText('access was not allowed');
      expect(page.url()).not.toContain('nango_connect_session');
      await picture(page, `phone-${decision.toLowerCase()}`);
    });
  }

  test('going back in the browser is where it began', async ({ page, mint }) => {
    await page.goto((await mint({ allowed_integrations: ['oauth'] })).link);
    await page.getByRole('button', { name: 'Connect' }).click();
    await page.waitForURL(/authorize/);
    await page.goBack();
    await expect(page.getByRole('heading', { name: 'Connect Acme Cloud' })).toBeVisible();
    await expect(page.getByRole('button', { name: 'Connect' })).toBeVisible();
  });
});

test.describe('in a browser inside an app', () => {
  test.use({
    userAgent:
      'Mozilla/5.0 (Linux; Android 15; Pixel 9; wv) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36 Instagram 300.0',
  });

  test('says that some providers refuse, and copies the link', async ({ page, context, mint }) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const { link } = await mint({ allowed_integrations: ['oauth'] });
    await page.goto(link);
    await expect(page.getByText('You are in a browser inside an app')).toBeVisible();
    await page.getByRole('button', { name: 'Copy the link' }).click();
    await expect(page.getByRole('status')).toHaveText('The link is copied.');
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(link);
  });
});

test('a session that ends before the popup: the same text, no JSON', async ({ mint, embed, events }) => {
  const { token, end } = await mint({ allowed_integrations: ['oauth'] });
  const ui = await embed(token);
  await ui.getByText('You sign in at Acme Cloud').waitFor();
  await end();
  await ui.getByRole('button', { name: 'Connect' }).click();
  await expect(ui.getByRole('heading', { name: 'This session has ended' })).toBeVisible();
  const [, error, ...more] = await events();
  expect([error.payload.errorType, more]).toEqual(['unknown_connect_session_token', []]);
});

test('an integration without a client is told in words', async ({ page, mint }) => {
  await page.goto((await mint({ allowed_integrations: ['unfinished'] })).link);
  await page.getByRole('button', { name: 'Connect' }).click();
  await expect(page.getByRole('alert')).toContainText('is not set up completely');
});

test('a reconnection keeps its connection', async ({ page, mint, connections }) => {
  await page.goto((await mint({ allowed_integrations: ['oauth'], tags: { purpose: 'again' } })).link);
  await decide(await popupOf(page), 'Allow');
  await done(page, 'Acme Cloud');
  const made = (await connections('oauth')).find(({ tags }) => tags.purpose === 'again');
  const before = (await connections('oauth')).length;
  const target = { connection_id: made.connection_id, integration_id: 'oauth', tags: undefined };
  await page.goto((await mint(target, 'main', '/connect/sessions/reconnect')).link);
  await expect(page.getByRole('heading', { name: 'Reconnect Acme Cloud' })).toBeVisible();
  await decide(await popupOf(page), 'Allow');
  await done(page, 'Acme Cloud');
  expect((await connections('oauth')).length).toBe(before);
});
