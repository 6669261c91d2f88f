// The fixtures of each test: the service, a session, the page by link or in a customer's page, and a
// check that the browser reported no error.

import { test as base, expect } from '@playwright/test';

import { start } from './service.js';

export { expect };

/** Not an error of the page: the browser's own message about an answer with an error status. */
const EXPECTED = /Failed to load resource: the server responded with a status of (400|401|404|424|500|503)/;

/** A fixture that the tests of a worker share: `begin` starts it, and it is stopped after them. */
export const shared = (begin) => [
  // Playwright reads the names of fixtures out of a pattern, so there must be one.
  // eslint-disable-next-line no-empty-pattern
  async ({}, use) => {
    const service = await begin();
    await use(service);
    await service.stop();
  },
  { scope: 'worker' },
];

export const test = base.extend({
  service: shared(start),

  /** Makes a session in an environment. Returns its token, its link, and a function that ends it. */
  mint: async ({ service }, use) => {
    await use(async (session = {}, environment = 'main', path = '/connect/sessions') => {
      const answer = await call(service.url + path, service.keys[environment], 'POST', {
        tags: {},
        ...session,
      });
      const { token, connect_link } = answer.data;
      const end = () => call(`${service.url}/connect/session`, token, 'DELETE');
      return { token, link: connect_link, end };
    });
  },

  /** The connections of environment `main` with this tag. */
  connections: async ({ service }, use) => {
    await use(async (key) => {
      const answer = await call(`${service.url}/connections?limit=1000`, service.keys.main, 'GET');
      return answer.connections.filter((connection) => connection.provider_config_key === key);
    });
  },

  /** Opens a customer's page and the Connect UI on it. Returns the frame of the Connect UI. */
  embed: async ({ page, service }, use) => {
    await use(async (token, options = {}) => {
      await page.goto(service.hostUrl);
      const urls = { baseURL: `${service.url}/connect-ui`, apiURL: service.url };
      await page.evaluate(
        (all) => {
          window.options = all;
        },
        { ...urls, sessionToken: token, ...options },
      );
      await page.click('#open');
      return page.frameLocator('#connect-ui');
    });
  },

  /** The events that the customer's page received, as `[type, …]`. */
  events: async ({ page }, use) => {
    await use(() => page.evaluate(() => window.events));
  },

  quiet: [
    async ({ context }, use) => {
      const complaints = [];
      context.on('console', (message) => {
        if (message.type() === 'error' && !EXPECTED.test(message.text())) complaints.push(message.text());
      });
      context.on('weberror', (error) => complaints.push(String(error.error())));
      await use(complaints);
      expect(complaints).toEqual([]);
    },
    { auto: true },
  ],
});

/** Calls the API; anything but 2xx fails the test. */
export async function call(url, bearer, method, body) {
  const headers = { authorization: `Bearer ${bearer}` };
  if (body) headers['content-type'] = 'application/json';
  const response = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return text && JSON.parse(text);
}

/** Saves a screenshot as an artifact of the run. */
export async function picture(page, name) {
  await page.screenshot({ path: `report/pictures/${name}.png`, animations: 'disabled' });
}
