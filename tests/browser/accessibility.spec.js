// WCAG 2.2 AA as far as axe can check it, in both themes, and use by keyboard alone.

import AxeBuilder from '@axe-core/playwright';

import { expect, picture, test } from './fixtures.js';

const UNKNOWN = 'nango_connect_session_0000000000000000000000000000000000000000000000000000000000000000';

async function noViolations(page) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(
    violations.map(({ id, nodes }) => [
      id,
      nodes.map(({ target, failureSummary }) => [target, failureSummary]),
    ]),
  ).toEqual([]);
}

const fillKey = (page, value) => page.getByLabel('API key', { exact: true }).fill(value);
const connect = (page) => page.getByRole('button', { name: 'Connect' }).click();

/** Each view, and how to reach it. */
const VIEWS = {
  list: async (page, { mint }) => {
    await page.goto((await mint({}, 'many')).link);
    await page.getByRole('listitem').first().waitFor();
  },
  nothing: async (page, { mint }) => {
    await page.goto((await mint({}, 'none')).link);
    await page.getByText('There is nothing to connect').waitFor();
  },
  form: async (page, { mint }) => {
    await page.goto((await mint({ allowed_integrations: ['fields'] })).link);
    await page.getByLabel('Subdomain').waitFor();
  },
  complaints: async (page, context) => {
    await VIEWS.form(page, context);
    await connect(page);
    await page.getByText('Please fill this in.').first().waitFor();
  },
  'wrong key': async (page, { mint }) => {
    await page.goto((await mint({ allowed_integrations: ['key'] })).link);
    await fillKey(page, 'bad');
    await connect(page);
    await page.getByRole('alert').waitFor();
  },
  consent: async (page, { mint }) => {
    await page.goto((await mint({ allowed_integrations: ['oauth'] })).link);
    await page.getByText('You sign in at Acme Cloud').waitFor();
  },
  waiting: async (page, context) => {
    await VIEWS.consent(page, context);
    await connect(page);
    await page.getByRole('heading', { name: 'Continue in the window' }).waitFor();
  },
  blocked: async (page, context) => {
    await page.addInitScript(() => {
      window.open = () => null;
    });
    await VIEWS.consent(page, context);
    await connect(page);
    await page.getByRole('link', { name: 'Open Acme Cloud' }).waitFor();
  },
  connected: async (page, { mint }) => {
    await page.goto((await mint({ allowed_integrations: ['open'] })).link);
    await connect(page);
    await page.getByRole('heading', { name: 'Open Data is connected' }).waitFor();
  },
  ended: async (page, { service }) => {
    await page.goto(`${service.url}/connect-ui/?session_token=${UNKNOWN}`);
    await page.getByRole('heading', { name: 'This session has ended' }).waitFor();
  },
  'in a frame': async (page, { mint, embed }) => {
    const ui = await embed((await mint({ allowed_integrations: ['key', 'open'] })).token);
    await ui.getByRole('listitem').first().waitFor();
  },
};

for (const theme of ['light', 'dark']) {
  for (const [name, reach] of Object.entries(VIEWS)) {
    test(`axe finds nothing: ${name}, ${theme}`, async ({ page, mint, embed, service }) => {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
      await reach(page, { mint, embed, service });
      await picture(page, `${name.replaceAll(' ', '-')}-${theme}`);
      await noViolations(page);
    });
  }
}

test('the environment’s colours, and texts that can be read on them', async ({ page, mint }) => {
  for (const theme of ['light', 'dark']) {
    await page.goto(`${(await mint({ allowed_integrations: ['notion'] }, 'look')).link}&theme=${theme}`);
    await expect(page.locator('html')).toHaveAttribute('data-theme', theme);
    const button = page.getByRole('button', { name: 'Connect' });
    const [ground, ink, card] = {
      light: ['rgb(122, 31, 162)', 'rgb(255, 255, 255)', 'rgb(255, 255, 255)'],
      dark: ['rgb(255, 215, 0)', 'rgb(10, 16, 24)', 'rgb(24, 29, 35)'],
    }[theme];
    await expect(page.locator('.card')).toHaveCSS('background-color', card);
    await expect(button).toHaveCSS('background-color', ground);
    await expect(button).toHaveCSS('color', ink);
    await expect(page.getByText('Secured by')).toBeHidden();
    await noViolations(page);
    await picture(page, `colours-${theme}`);
  }
});

test('the environment’s theme, where the host names none', async ({ page, mint }) => {
  await page.goto((await mint({}, 'look')).link);
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
});

test('by keyboard: list, form, complaint, success', async ({ page, mint }) => {
  await page.goto((await mint({ allowed_integrations: ['key', 'open'] })).link);
  await expect(page.getByRole('heading', { name: 'Connect an account' })).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('button', { name: 'Acme Mail' })).toBeFocused();
  const outline = await page
    .getByRole('button', { name: 'Acme Mail' })
    .evaluate((row) => getComputedStyle(row).outlineStyle);
  expect(outline).toBe('solid');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Connect Acme Mail' })).toBeFocused();
  await page.getByLabel('API key', { exact: true }).waitFor();
  const stops = [];
  for (let i = 0; i < 5; i += 1) {
    await page.keyboard.press('Tab');
    stops.push(
      await page.evaluate(
        () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '',
      ),
    );
  }
  expect(stops.map((stop) => stop.replace(/ \(opens.*/, ''))).toEqual([
    'Where is it?',
    '',
    'Show: API key',
    'Connect',
    'Where do I find this?',
  ]);
  await page.getByLabel('API key', { exact: true }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByLabel('API key', { exact: true })).toBeFocused();
  await page.keyboard.type('good');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Acme Mail is connected' })).toBeFocused();
  await expect(page.getByRole('status')).toHaveText('Acme Mail is connected. You can close this tab now.');
});

test('by keyboard in a frame: the focus stays in the dialog', async ({ page, mint, embed }) => {
  const ui = await embed((await mint({ allowed_integrations: ['key', 'open'] })).token);
  await expect(ui.getByRole('dialog', { name: 'Connect an account' })).toBeVisible();
  await expect(ui.getByRole('heading', { name: 'Connect an account' })).toBeFocused();
  const names = ['Acme Mail', 'Open Data', 'Close', 'Acme Mail'];
  for (const name of names) {
    await page.keyboard.press('Tab');
    await expect(ui.getByRole('button', { name })).toBeFocused();
  }
  await page.keyboard.press('Shift+Tab');
  await expect(ui.getByRole('button', { name: 'Close' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.locator('#connect-ui')).toHaveCount(0);
});

test('by keyboard: waiting, reopening, cancelling', async ({ page, mint, context }) => {
  await page.goto((await mint({ allowed_integrations: ['oauth'] })).link);
  await page.getByRole('button', { name: 'Connect' }).focus();
  const popup = context.waitForEvent('page');
  await page.keyboard.press('Enter');
  await (await popup).close();
  await page.bringToFront();
  await expect(page.getByRole('heading', { name: 'Continue in the window of Acme Cloud' })).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('button', { name: 'Open the window again' })).toBeFocused();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toHaveText(/Nothing was connected/);
  await expect(page.getByRole('button', { name: 'Connect' })).toBeFocused();
});

test('320 pixels: nothing sideways, and all in reach', async ({ page, mint, embed }) => {
  await page.setViewportSize({ width: 320, height: 568 });
  const sideways = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  await page.goto((await mint({ allowed_integrations: ['fields'] })).link);
  await page.getByLabel('Subdomain').waitFor();
  expect(await sideways()).toBe(0);
  await picture(page, 'phone-form');
  await page.getByRole('button', { name: 'Connect' }).scrollIntoViewIfNeeded();
  await expect(page.getByRole('button', { name: 'Connect' })).toBeInViewport();
  await page.goto((await mint({}, 'many')).link);
  await page.getByRole('listitem').first().waitFor();
  expect(await sideways()).toBe(0);
  await picture(page, 'phone-list');
  const ui = await embed((await mint({ allowed_integrations: ['basic'] })).token);
  await expect(ui.getByRole('button', { name: 'Connect' })).toBeInViewport();
  await picture(page, 'phone-frame');
});

test('targets are at least 24 pixels', async ({ page, mint }) => {
  await page.goto((await mint({ allowed_integrations: ['key', 'open'] })).link);
  await page.getByRole('button', { name: 'Acme Mail' }).click();
  await page.getByLabel('API key', { exact: true }).waitFor();
  for (const button of await page.getByRole('button').all()) {
    const box = await button.boundingBox();
    if (box) expect(Math.min(box.width, box.height)).toBeGreaterThanOrEqual(24);
  }
});

test('right to left', async ({ page, mint }) => {
  await page.goto((await mint({ allowed_integrations: ['fields', 'open'] })).link);
  await page.evaluate(() => {
    document.documentElement.dir = 'rtl';
  });
  const row = page.getByRole('button', { name: 'Acme Fields' });
  const [logo, name] = [await row.locator('.logo').boundingBox(), await row.locator('.name').boundingBox()];
  expect(logo.x).toBeGreaterThan(name.x);
  await row.click();
  await page.getByLabel('Subdomain').waitFor();
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
  await picture(page, 'right-to-left');
});

test('reduced motion: nothing moves', async ({ page, mint }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await page.goto((await mint({ allowed_integrations: ['open'] })).link);
  await page.getByRole('button', { name: 'Connect' }).click();
  await expect(page.locator('.sign')).toHaveCSS('animation-name', 'none');
});
