// examples/web-app in the browser: session, Connect UI, webhook, connection.

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { startProvider } from './provider.js';
import { expect, picture, test } from './fixtures.js';
import { freePort, startService } from './service.js';

test('the example: connect, webhook, connection', async ({ page }) => {
  const provider = await startProvider();
  const [secret, signing_key, port] = [randomUUID(), randomUUID(), await freePort()];
  const verification = { method: 'GET', endpoints: ['/me'] };
  const service = await startService({
    environments: [
      {
        name: 'example',
        secret_keys: [{ name: 'server', secret, scopes: ['environment:*'] }],
        webhooks: { primary_url: `http://127.0.0.1:${port}/webhooks`, signing_key },
        providers: [
          {
            name: 'acme',
            display_name: 'Acme',
            auth_mode: 'API_KEY',
            categories: ['other'],
            docs: 'https://example.com/docs',
            proxy: { base_url: provider.url, headers: { authorization: 'Bearer ${apiKey}' }, verification },
          },
        ],
        integrations: [{ unique_key: 'acme', provider: 'acme' }],
      },
    ],
  });
  const env = {
    ...process.env,
    NANGO_HOST: service.url,
    NANGO_SECRET_KEY: secret,
    NANGO_WEBHOOK_SIGNING_KEY: signing_key,
    PORT: String(port),
  };
  const app = spawn('node', ['app.js'], {
    cwd: new URL('../../examples/web-app/', import.meta.url),
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(createInterface({ input: app.stdout }), 'line');
    await page.goto(`http://127.0.0.1:${port}`);
    await page.getByRole('button', { name: 'Connect an account' }).click();
    const ui = page.frameLocator('#connect-ui');
    await expect(page.locator('iframe[title="Connect an account"]')).toBeVisible();
    await ui.getByRole('button', { name: 'Acme' }).click();
    await ui.getByLabel('API key', { exact: true }).fill('good');
    await ui.getByRole('button', { name: 'Connect' }).click();
    await ui.getByRole('button', { name: 'Finish' }).click();
    await expect(page.getByRole('button', { name: 'Connect an account' })).toBeFocused();
    await expect(page.getByRole('listitem')).toHaveText('acme (API_KEY, plan pro)', { timeout: 15_000 });
    await picture(page, 'example');
    // Without the signing key, nobody can claim that something was connected.
    const forged = await page.request.post(`http://127.0.0.1:${port}/webhooks`, {
      data: { type: 'auth' },
      headers: { 'x-nango-hmac-sha256': 'x'.repeat(64) },
    });
    expect(forged.status()).toBe(401);
  } finally {
    app.kill();
    await service.stop();
    provider.stop();
  }
});
