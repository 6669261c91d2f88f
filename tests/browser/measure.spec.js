// The table of docs/connect-ui.md: what the page costs, compared with the recorded service's page.
// Not part of the tests: `npm run measure` writes it.

import { readFile, writeFile } from 'node:fs/promises';

import { expect, test } from './fixtures.js';

test.skip(!process.env.MEASURE, 'npm run measure');

/** How often each way is measured, in a browser without a cache. */
const TIMES = 9;

const DOCUMENT = new URL('../../docs/connect-ui.md', import.meta.url);

/** The recorded service's page: requests without preflights, preflights, sockets, KB, milliseconds. */
const WAYS = [
  { name: 'the list', way: list, recorded: [13, 3, 0, 173.6, '640 to 1,000'] },
  { name: 'an API key, connected', way: key, recorded: [21, 5, 0, 187.4, ''] },
  { name: 'OAuth, connected', way: oauth, recorded: [22, 4, 1, 195.4, ''] },
];

async function list(page) {
  await expect(page.getByRole('button', { name: 'Acme Mail' })).toBeVisible();
}

async function key(page) {
  await page.getByRole('button', { name: 'Acme Mail' }).click();
  await page.getByLabel('API key', { exact: true }).fill('good');
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Acme Mail is connected' })).toBeVisible();
}

async function oauth(page) {
  await page.getByRole('button', { name: 'Acme Cloud' }).click();
  const opening = page.context().waitForEvent('page');
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  const popup = await opening;
  const allow = popup.getByRole('link', { name: 'Allow' });
  await allow.click({ noWaitAfter: true }).catch(() => {});
  await expect(page.getByRole('heading', { name: 'Acme Cloud is connected' })).toBeVisible();
}

/** The requests of a way, including those of popups, and the time until the list is shown. */
async function weigh(browser, service, link, way) {
  const context = await browser.newContext();
  const requests = [];
  let sockets = 0;
  context.on('request', (request) => requests.push(request));
  context.on('page', (page) => page.on('websocket', () => (sockets += 1)));
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send('Network.enable');
  let preflights = 0;
  devtools.on('Network.requestWillBeSent', ({ request }) => (preflights += request.method === 'OPTIONS'));
  await page.goto(link);
  const isThere = () => document.querySelectorAll('li button').length === 4 && performance.now();
  const time = await (await page.waitForFunction(isThere)).jsonValue();
  await way(page);
  await page.waitForLoadState('networkidle');
  const ours = requests.filter((request) => request.url().startsWith(service.url));
  const sizes = await Promise.all(ours.map((request) => request.sizes().catch(() => null)));
  const bytes = sizes.reduce(
    (sum, size) => sum + (size ? size.responseHeadersSize + size.responseBodySize : 0),
    0,
  );
  await context.close();
  return { requests: ours.length, preflights, sockets, bytes, time };
}

function median(numbers) {
  return numbers.sort((one, other) => one - other)[Math.floor(numbers.length / 2)];
}

test('the table', async ({ browser, service, mint }) => {
  test.setTimeout(300_000);
  const lines = [
    '| until | page | requests | preflights | sockets | KB on the wire | the list is there after, ms |',
    '|---|---|--:|--:|--:|--:|--:|',
  ];
  for (const { name, way, recorded } of WAYS) {
    const runs = [];
    for (let time = 0; time < TIMES; time += 1) {
      const { link } = await mint({ allowed_integrations: ['key', 'fields', 'open', 'oauth'] });
      runs.push(await weigh(browser, service, link, way));
    }
    const of = (what) => median(runs.map((run) => run[what]));
    const ours = [of('requests'), of('preflights'), of('sockets'), (of('bytes') / 1000).toFixed(1)];
    lines.push(`| ${[name, 'this one', ...ours, Math.round(of('time'))].join(' | ')} |`);
    lines.push(`| ${[name, 'the recorded one', ...recorded].join(' | ')} |`);
  }
  console.log(lines.join('\n'));
  const [before, rest] = (await readFile(DOCUMENT, 'utf8')).split('<!-- weight -->');
  const [, after] = rest.split('<!-- /weight -->');
  const table = `<!-- weight -->\n\n${lines.join('\n')}\n\n<!-- /weight -->`;
  await writeFile(DOCUMENT, before + table + after);
});
