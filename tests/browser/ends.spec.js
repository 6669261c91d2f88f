// Every end has one text and one next step.

import { expect, picture, test } from './fixtures.js';

/** A token without a session. To the API it is the same as one that has expired or was deleted. */
const UNKNOWN = 'nango_connect_session_0000000000000000000000000000000000000000000000000000000000000000';

test('a session that has ended', async ({ page, service }) => {
  await page.goto(`${service.url}/connect-ui/?session_token=${UNKNOWN}`);
  await expect(page.getByRole('heading', { name: 'This session has ended' })).toBeFocused();
  await expect(
    page.getByText('Go back to the app that you came from and start again.').first(),
  ).toBeVisible();
  await picture(page, 'ended');
});

test('the way back goes to the site that the person came from', async ({ page, service }) => {
  await page.goto(service.hostUrl);
  await page.evaluate((url) => location.assign(url), `${service.url}/connect-ui/?session_token=${UNKNOWN}`);
  await expect(page.getByRole('link', { name: /^Back to localhost/ })).toHaveAttribute(
    'href',
    `${service.hostUrl}/`,
  );
});

// D61
test('a session that ends at the list, and one that ends at the form', async ({ page, mint }) => {
  for (const isAtForm of [false, true]) {
    const { link, end } = await mint({ allowed_integrations: ['key', 'open'] });
    await page.goto(link);
    const item = page.getByRole('button', { name: 'Acme Mail' });
    await expect(item).toBeVisible();
    if (isAtForm) await item.click();
    const field = page.getByLabel('API key', { exact: true });
    if (isAtForm) await field.fill('good');
    await end();
    await page.getByRole('button', { name: isAtForm ? 'Connect' : 'Acme Mail' }).click();
    await expect(page.getByRole('heading', { name: 'This session has ended' })).toBeVisible();
  }
});

test('without a session the page says where to start', async ({ page, service }) => {
  await page.goto(`${service.url}/connect-ui/`);
  await expect(page.getByRole('heading', { name: 'Start from your app' })).toBeVisible();
});

test('a service that cannot be reached is tried again', async ({ page, mint }) => {
  const { link } = await mint({ allowed_integrations: ['key'] });
  await page.route('**/connect/session', (route) =>
    route.fulfill({ status: 503, json: { error: { code: 'service_unavailable' } } }),
  );
  await page.goto(link);
  await expect(page.getByText('Something went wrong on our side.').first()).toBeVisible();
  await page.unroute('**/connect/session');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('heading', { name: 'Connect Acme Mail' })).toBeVisible();
});

test('a lost connection keeps what was typed', async ({ page, mint, quiet }) => {
  const { link } = await mint({ allowed_integrations: ['key'] });
  await page.goto(link);
  const field = page.getByLabel('API key', { exact: true });
  await field.fill('good');
  await page.route('**/api-auth/**', (route) => route.abort());
  await page.getByRole('button', { name: 'Connect' }).click();
  await expect(page.getByRole('alert')).toContainText('cannot be reached');
  await expect(field).toHaveValue('good');
  await page.unroute('**/api-auth/**');
  await page.getByRole('button', { name: 'Connect' }).click();
  await expect(page.getByRole('heading', { name: 'Acme Mail is connected' })).toBeVisible();
  expect(quiet.splice(0)).toEqual([expect.stringContaining('net::ERR_FAILED')]);
});

test('an integration that is not set up is told in words', async ({ page, mint }) => {
  const { link } = await mint({ allowed_integrations: ['key'] });
  await page.goto(link);
  await page.route('**/api-auth/**', (route) =>
    route.fulfill({ status: 400, json: { error: { code: 'integration_not_allowed' } } }),
  );
  await page.getByLabel('API key', { exact: true }).fill('good');
  await page.getByRole('button', { name: 'Connect' }).click();
  await expect(page.getByRole('alert')).toContainText('is not set up completely');
});
