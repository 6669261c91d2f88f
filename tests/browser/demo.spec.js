// The first steps of a newcomer: `cargo run`, its link, and each demo provider.

import { expect, picture, test } from './fixtures.js';
import { startService } from './service.js';

/** The demo's service, separate from that of the other tests; and each provider with its outcome. */
const OUTCOMES = [
  ['Demo OAuth', 'connected'],
  ['Demo OAuth (refuses)', 'did not complete the connection'],
  ['Demo OAuth (slow)', 'connected'],
  ['Demo OAuth (rotates refresh tokens)', 'connected'],
  ['Demo OAuth (error with status 200)', 'did not complete the connection'],
  ['Demo OAuth (cuts the popup off)', 'connected'],
  ['Demo OAuth (returns by form)', 'connected'],
];

test('the link of the banner, and each demo provider', async ({ page, context }) => {
  test.setTimeout(180_000);
  const service = await startService();
  try {
    expect(service.link).toMatch(/\/connect-ui\/\?session_token=nango_connect_session_[0-9a-f]{64}$/);
    await page.goto(service.link);
    await page.getByRole('button', { name: 'Demo OAuth', exact: true }).waitFor();
    await picture(page, 'demo-list');
    for (const [name, outcome] of OUTCOMES) {
      await page.getByRole('button', { name, exact: true }).click();
      const opening = context.waitForEvent('page');
      await page.getByRole('button', { name: 'Connect', exact: true }).click();
      const popup = await opening;
      const allow = popup.getByRole('button', { name: 'Allow' });
      await allow.waitFor();
      if (name === 'Demo OAuth') await picture(popup, 'demo-consent');
      await allow.click({ noWaitAfter: true }).catch(() => {});
      const end =
        outcome === 'connected'
          ? page.getByRole('heading', { name: `${name} is connected` })
          : page.getByRole('alert').filter({ hasText: outcome });
      await expect(end).toBeVisible({ timeout: 20_000 });
      if (name === 'Demo OAuth') await picture(page, 'demo-connected');
      const next = page.getByRole('button', { name: outcome === 'connected' ? 'Connect another' : 'Back' });
      await next.click();
    }
    await page.getByRole('button', { name: 'Demo API key' }).click();
    await page.getByLabel('API key', { exact: true }).fill('demo-key');
    await picture(page, 'demo-key');
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    await expect(page.getByRole('heading', { name: 'Demo API key is connected' })).toBeVisible();
  } finally {
    await service.stop();
  }
});
