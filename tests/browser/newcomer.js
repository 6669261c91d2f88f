// The steps of a newcomer with the banner's link: open it, choose *Demo OAuth*, allow. It ends when
// the page shows the connection. `.ci/newcomer` measures the time.

import { chromium } from '@playwright/test';

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
try {
  const page = await browser.newPage();
  await page.goto(process.argv[2]);
  await page.getByRole('button', { name: 'Demo OAuth', exact: true }).click();
  const opening = page.context().waitForEvent('page');
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  const popup = await opening;
  const allow = popup.getByRole('button', { name: 'Allow' });
  await allow.click({ noWaitAfter: true }).catch(() => {});
  await page.getByRole('heading', { name: 'Demo OAuth is connected' }).waitFor();
} finally {
  await browser.close();
}
