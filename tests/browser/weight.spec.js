// What the page costs until the list is shown: at most six requests and 25 KB on the wire, from one
// host, without a preflight. Also the headers of its answers for browsers and caches.

import { expect, test } from './fixtures.js';

test('six requests, 25 KB, one host, no preflight', async ({ page, mint, service }) => {
  const { link } = await mint({}, 'look');
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Network.enable');
  const seen = new Map();
  devtools.on('Network.requestWillBeSent', ({ requestId, request, type }) =>
    seen.set(requestId, { url: request.url, method: request.method, type, bytes: 0 }),
  );
  devtools.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    seen.get(requestId).bytes = encodedDataLength;
  });
  await page.goto(link);
  await expect(page.getByRole('listitem')).toHaveCount(4);
  await page.waitForLoadState('networkidle');
  const requests = [...seen.values()].filter(({ url }) => !url.startsWith('data:'));
  const bytes = requests.reduce((sum, request) => sum + request.bytes, 0);
  test
    .info()
    .annotations.push({ type: 'weight', description: `${requests.length} requests, ${bytes} bytes` });
  console.log(`until the list: ${requests.length} requests, ${bytes} bytes on the wire`);
  expect(requests.map(({ url }) => new URL(url).origin)).toEqual(requests.map(() => service.url));
  expect(requests.every(({ method, type }) => method === 'GET' && type !== 'Preflight')).toBe(true);
  expect(requests.length).toBeLessThanOrEqual(6);
  expect(bytes).toBeLessThanOrEqual(25_000);
});

test('the document is never kept, its parts for ever', async ({ request, service }) => {
  const document = await request.get(`${service.url}/connect-ui/`);
  expect(document.headers()).toMatchObject({
    'cache-control': 'no-store',
    'content-encoding': 'gzip',
    'content-type': 'text/html; charset=utf-8',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
  const policy = document.headers()['content-security-policy'];
  expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
  expect(policy).toContain('frame-ancestors *');
  expect(policy).not.toContain('unsafe');
  for (const name of ['cross-origin-opener-policy', 'x-frame-options', 'set-cookie']) {
    expect(document.headers()).not.toHaveProperty(name);
  }
  const text = await document.text();
  for (const [, path] of text.matchAll(/"([0-9a-f]{16}\/[a-z.]+)"/g)) {
    const part = await request.get(`${service.url}/connect-ui/${path}`);
    expect(part.headers()['cache-control']).toBe('public, max-age=31536000, immutable');
    // During a deployment, the name of another version is answered, but not cached.
    const other = await request.get(`${service.url}/connect-ui/0123456789abcdef/${path.split('/')[1]}`);
    expect(other.headers()['cache-control']).toBe('no-store');
  }
  expect((await request.get(`${service.url}/connect-ui/nothing`)).status()).toBe(404);
});

test('a slow logo holds nothing up', async ({ page, mint }) => {
  const { link } = await mint({}, 'look');
  await page.route('**/connect-ui/logos**', () => {});
  await page.goto(link);
  await expect(page.getByRole('listitem')).toHaveCount(4);
});

test('what a person does is noted when nobody waits, and not before', async ({ page, mint }) => {
  await page.clock.install();
  const { link } = await mint({ allowed_integrations: ['open', 'key'] });
  await page.goto(link);
  await page.getByRole('button', { name: 'Open Data' }).click();
  // The button stands there once the provider is read, which the heading does not wait for.
  await expect(page.getByRole('button', { name: 'Connect', exact: true })).toBeVisible();
  const noted = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/connect/telemetry')) noted.push(request.postDataJSON());
  });
  await page.clock.runFor(11_000);
  await expect
    .poll(() => noted.map(({ event }) => event))
    .toEqual(['open', 'view:list', 'click:integration', 'view:integration']);
  expect(noted[2].dimensions).toEqual({ integration: 'open' });
});
