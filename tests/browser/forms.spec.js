// Connecting without a redirect.

import { expect, picture, test } from './fixtures.js';

test('an API key', async ({ page, mint, connections }) => {
  const { link } = await mint({ allowed_integrations: ['key', 'open'] });
  await page.goto(link);
  await page.getByRole('button', { name: 'Acme Mail' }).click();
  // Pasted text has blanks around it.
  await page.getByLabel('API key', { exact: true }).fill('  good\u200b ');
  await picture(page, 'form');
  await page.getByRole('button', { name: 'Connect' }).click();
  await expect(page.getByRole('heading', { name: 'Acme Mail is connected' })).toBeFocused();
  await expect(page.getByText('You can close this tab now.').first()).toBeVisible();
  await picture(page, 'connected');
  expect((await connections('key')).length).toBeGreaterThan(0);
  await page.getByRole('button', { name: 'Connect another' }).click();
  await expect(page.getByRole('listitem')).toHaveCount(2);
});

test('a wrong key stays, is marked, and the reason is said in words', async ({ page, mint }) => {
  const { link } = await mint({ allowed_integrations: ['key'] });
  await page.goto(link);
  const field = page.getByLabel('API key', { exact: true });
  await field.fill('bad');
  await field.press('Enter');
  await expect(page.getByRole('alert')).toHaveText(
    'Acme Mail did not accept what you entered. Check it and try again.',
  );
  await expect(field).toHaveAttribute('aria-invalid', 'true');
  await expect(field).toBeFocused();
  await expect(field).toHaveValue('bad');
  await picture(page, 'wrong-key');
  await field.fill('good');
  await expect(field).toHaveAttribute('aria-invalid', 'false');
  await page.getByRole('button', { name: 'Connect' }).click();
  await expect(page.getByRole('heading', { name: 'Acme Mail is connected' })).toBeVisible();
});

test('user name and password', async ({ page, mint }) => {
  const { link } = await mint({ allowed_integrations: ['basic'] });
  await page.goto(link);
  await expect(page.getByLabel('User name')).toHaveAttribute('autocomplete', 'username');
  await page.getByLabel('User name').fill('ada');
  await page.getByLabel('Password', { exact: true }).fill('wrong');
  await page.getByRole('button', { name: 'Connect' }).click();
  await expect(page.getByRole('alert')).toContainText('did not accept');
  await expect(page.getByLabel('User name')).toHaveValue('ada');
  await page.getByLabel('Password', { exact: true }).fill('lovelace');
  await page.getByRole('button', { name: 'Connect' }).click();
  await expect(page.getByRole('heading', { name: 'Acme Login is connected' })).toBeVisible();
});

test('nothing to fill in', async ({ page, mint }) => {
  const { link } = await mint({ allowed_integrations: ['open'] });
  await page.goto(link);
  await expect(page.getByText('There is nothing to fill in.')).toBeVisible();
  await page.getByRole('button', { name: 'Connect' }).click();
  await expect(page.getByRole('heading', { name: 'Open Data is connected' })).toBeVisible();
});

test('the form is what the template describes', async ({ page, mint }) => {
  const { link } = await mint({ allowed_integrations: ['fields'] });
  await page.goto(link);
  await expect(page.locator('label')).toHaveText([
    'Subdomain',
    'Region',
    'Account',
    /Mail\s+\(optional\)/,
    'API key',
  ]);
  await expect(page.getByLabel('Account')).toBeHidden();
  await page.getByLabel('Region').selectOption('us');
  await expect(page.getByLabel('Account')).toBeVisible();

  // A missing or malformed value is reported at its field, and the first such field gets the focus.
  await page.getByLabel('Subdomain').fill('Not Good');
  await page.getByLabel('Mail').fill('nobody');
  await page.getByRole('button', { name: 'Connect' }).click();
  await expect(page.getByLabel('Subdomain')).toBeFocused();
  await expect(page.getByLabel('Subdomain')).toHaveAccessibleDescription(
    /does not have the expected form. Example: shop/,
  );
  await expect(page.getByLabel('Account')).toHaveAccessibleDescription(/Please fill this in/);
  await expect(page.getByLabel('Mail')).toHaveAccessibleDescription(/expected form/);
  await picture(page, 'complaints');

  // Of a whole address that is pasted, the part that is asked for is taken.
  await page.getByLabel('Subdomain').fill('https://shop.acme.test/admin');
  await page.getByLabel('Region').selectOption('eu');
  await page.getByLabel('Mail').fill('');
  await page.getByLabel('API key', { exact: true }).fill('good');
  const sent = page.waitForRequest(/api-auth/);
  await page.getByRole('button', { name: 'Connect' }).click();
  const query = new URL((await sent).url()).searchParams;
  const params = [...query].filter(([name]) => name.startsWith('params'));
  expect(Object.fromEntries(params)).toEqual({
    'params[secretly]': 'fixed',
    'params[subdomain]': 'shop',
    'params[region]': 'eu',
  });
  await expect(page.getByRole('heading', { name: 'Acme Fields is connected' })).toBeVisible();
});

test('what the session has decided is not asked', async ({ page, mint }) => {
  const integrations_config_defaults = { fields: { connection_config: { subdomain: 'shop', region: 'eu' } } };
  const { link } = await mint({ allowed_integrations: ['fields'], integrations_config_defaults });
  await page.goto(link);
  await expect(page.locator('label').filter({ visible: true })).toHaveText([/Mail/, 'API key']);
});

test('the documentation is the template’s, or the session’s own', async ({ page, mint }) => {
  const { link } = await mint({ allowed_integrations: ['key'] });
  await page.goto(link);
  await expect(page.getByRole('link', { name: 'Where do I find this?' })).toHaveAttribute(
    'href',
    'https://example.com/keys',
  );
  await expect(page.getByRole('link', { name: 'Where is it?' })).toHaveAttribute(
    'href',
    'https://example.com/keys#keys',
  );
  const overrides = { key: { docs_connect: 'https://help.example.com/acme' } };
  await page.goto((await mint({ allowed_integrations: ['key'], overrides })).link);
  await expect(page.getByRole('link', { name: 'Where do I find this?' })).toHaveAttribute(
    'href',
    'https://help.example.com/acme',
  );
});

test('a secret can be shown', async ({ page, mint }) => {
  const { link } = await mint({ allowed_integrations: ['key'] });
  await page.goto(link);
  const field = page.getByLabel('API key', { exact: true });
  await expect(field).toHaveAttribute('type', 'password');
  await page.getByRole('button', { name: 'Show: API key' }).click();
  await expect(field).toHaveAttribute('type', 'text');
});

test('a reconnection goes straight to its integration', async ({ page, mint, connections, service }) => {
  const { token } = await mint({ allowed_integrations: ['key'] });
  const made = await fetch(`${service.url}/api-auth/api-key/key?connect_session_token=${token}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"apiKey":"good"}',
  });
  const { connectionId } = await made.json();
  const before = (await connections('key')).length;
  const target = { connection_id: connectionId, integration_id: 'key', tags: undefined };
  const { link } = await mint(target, 'main', '/connect/sessions/reconnect');
  await page.goto(link);
  await expect(page.getByRole('heading', { name: 'Reconnect Acme Mail' })).toBeVisible();
  await page.getByLabel('API key', { exact: true }).fill('good');
  await page.getByRole('button', { name: 'Connect' }).click();
  await expect(page.getByRole('heading', { name: 'Acme Mail is connected' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Connect another' })).toHaveCount(0);
  expect((await connections('key')).length).toBe(before);
});
