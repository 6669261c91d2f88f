// The list of what can be connected.

import { expect, picture, test } from './fixtures.js';

test('shows what the session allows, by name', async ({ page, mint }) => {
  const { link } = await mint({ allowed_integrations: ['key', 'basic'] });
  await page.goto(link);
  await expect(page.getByRole('heading', { name: 'Connect an account' })).toBeVisible();
  await expect(page.getByRole('listitem')).toHaveText([/Acme Login/, /Acme Mail/]);
  // Opened by link, the page has nothing to close.
  await expect(page.getByRole('button', { name: 'Close' })).toBeHidden();
  await picture(page, 'list');
});

// D59
test('the link is for this page, and its token leaves the address at once', async ({
  page,
  mint,
  service,
}) => {
  const { link, token } = await mint();
  expect(link).toBe(`${service.url}/connect-ui/?session_token=${token}`);
  await page.goto(link);
  await expect(page.getByRole('listitem')).toHaveCount(8);
  expect(page.url()).toBe(`${service.url}/connect-ui/`);
  // Neither a reload nor going on loses the choice.
  await page.reload();
  await expect(page.getByRole('listitem')).toHaveCount(8);
});

test('a list of one is skipped, where the session allows only that', async ({ page, mint }) => {
  const { link } = await mint({ allowed_integrations: ['key', 'key'] });
  await page.goto(link);
  await expect(page.getByRole('heading', { name: 'Connect Acme Mail' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Back' })).toBeHidden();
});

test('nothing to connect is said', async ({ page, mint }) => {
  const { link } = await mint({}, 'none');
  await page.goto(link);
  await expect(page.getByRole('heading', { name: 'There is nothing to connect' })).toBeVisible();
});

test('two hundred: the search finds, and says how many', async ({ page, mint }) => {
  const { link } = await mint({}, 'many');
  await page.goto(link);
  await expect(page.getByRole('listitem')).toHaveCount(200);
  await picture(page, 'two-hundred');
  const search = page.getByRole('searchbox', { name: 'Search' });
  await search.fill('account 19');
  await expect(page.getByRole('listitem').filter({ visible: true })).toHaveCount(12);
  await expect(page.getByRole('status')).toHaveText('12 found');
  await search.fill('zebra');
  await expect(page.getByText('Nothing found for “zebra”.').first()).toBeVisible();
  await search.fill('');
  await expect(page.getByRole('listitem').filter({ visible: true })).toHaveCount(200);
});

test('back from a form stands on the integration that was chosen', async ({ page, mint }) => {
  const { link } = await mint({ allowed_integrations: ['key', 'basic'] });
  await page.goto(link);
  await page.getByRole('button', { name: 'Acme Mail' }).click();
  await page.getByRole('button', { name: 'Back' }).click();
  await expect(page.getByRole('button', { name: 'Acme Mail' })).toBeFocused();
});

test('brands have their marks, others a letter', async ({ page, mint, service, request }) => {
  const { link } = await mint({}, 'look');
  await page.goto(link);
  await expect(page.getByRole('button', { name: 'GitHub' }).locator('.logo svg')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Slack' }).locator('.logo')).toHaveText('S');
  for (const [name, part] of [
    ['github', '<path'],
    ['slack', '>S<'],
  ]) {
    const logo = await request.get(`${service.url}/images/template-logos/${name}.svg`);
    expect(logo.headers()['content-type']).toBe('image/svg+xml');
    expect(await logo.text()).toContain(part);
  }
});
