// The service as a client of a certified OpenID provider: npm's `oidc-provider`, with its own login
// and consent pages.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Browser } from './browser.js';
import { start } from './service.js';

let service;
before(async () => {
  service = await start();
});
after(() => service?.stop());

/** Sends a request of the customer's server. Returns status and body. */
async function ask(method, path, body) {
  const headers = { authorization: `Bearer ${service.secretKey}` };
  if (body) headers['content-type'] = 'application/json';
  const init = { method, headers, body: body && JSON.stringify(body) };
  const response = await fetch(service.url + path, init);
  const text = await response.text();
  return { status: response.status, body: text && JSON.parse(text) };
}

async function session() {
  const { status, body } = await ask('POST', '/connect/sessions', { end_user: { id: 'u1' } });
  assert.equal(status, 201);
  return body.data.token;
}

async function connections() {
  const { body } = await ask('GET', '/connections');
  return body.connections.map((connection) => connection.connection_id);
}

function read(id, key, query = '') {
  return ask('GET', `/connections/${id}?provider_config_key=${key}${query}`);
}

/** The answers of the provider's token endpoint since the last call of this function. */
function tokenCalls() {
  return service.calls.splice(0).filter(({ path }) => path === '/token');
}

/** The consent page for a user who has logged in. */
async function consent(browser, key) {
  const token = await session();
  const begin = await browser.open(`${service.url}/oauth/connect/${key}?connect_session_token=${token}`);
  assert.equal(begin.status, 302, begin.text);
  const asked = new URL(begin.headers.get('location')).searchParams;
  const login = await browser.follow(begin);
  assert.match(login.text, /name="login"/, login.text);
  return { asked, page: await browser.submit(login, { login: 'ada', password: 'x' }) };
}

/** Runs a whole flow. Returns the connection's id and the last page. */
async function connect(key, browser = new Browser()) {
  const before = await connections();
  const { asked, page } = await consent(browser, key);
  const last = await browser.submit(page, {});
  assert.equal(last.status, 200, last.text);
  assert.ok(last.url.startsWith(`${service.url}/oauth/callback?`), last.url);
  const [id] = (await connections()).filter((known) => !before.includes(known));
  return { id, asked, last };
}

/** Whether the provider says that a token is active (RFC 7662). */
async function isActive(token) {
  const authorization = `Basic ${btoa('basic:basic-secret')}`;
  const body = new URLSearchParams({ token });
  const response = await fetch(`${service.issuer}/token/introspection`, { method: 'POST', headers: { authorization }, body });
  return (await response.json()).active;
}

async function userinfo(token) {
  const headers = { authorization: `Bearer ${token}` };
  return (await fetch(`${service.issuer}/me`, { headers })).status;
}

describe('authorization code', () => {
  for (const key of ['basic', 'post']) {
    test(`a connection, with PKCE and the client authenticated by ${key}`, async () => {
      tokenCalls();
      const { id, asked } = await connect(key);
      assert.equal(asked.get('code_challenge_method'), 'S256');
      assert.equal(asked.get('redirect_uri'), `${service.url}/oauth/callback`);
      const [call, ...others] = tokenCalls();
      assert.deepEqual([call.status, others.length], [200, 0]);
      assert.equal(call.params.grant_type, 'authorization_code');
      assert.ok(call.params.code_verifier.length >= 43);
      assert.equal(call.authorization !== undefined, key === 'basic');
      assert.ok(id);
    });
  }

  test('the token opens what the user has allowed', async () => {
    const { id } = await connect('basic');
    const { status, body } = await read(id, 'basic', '&refresh_token=true');
    assert.equal(status, 200);
    assert.equal(body.credentials.type, 'OAUTH2');
    assert.ok(body.credentials.refresh_token);
    assert.equal(await userinfo(body.credentials.access_token), 200);
  });

  test('a callback that is delivered twice asks for no second token', async () => {
    const browser = new Browser();
    const { last } = await connect('basic', browser);
    tokenCalls();
    const again = await browser.open(last.url);
    assert.deepEqual([again.status, again.text], [last.status, last.text]);
    assert.deepEqual(tokenCalls(), []);
  });

  test('another browser cannot finish the flow', async () => {
    const browser = new Browser();
    const { page } = await consent(browser, 'basic');
    const before = await connections();
    tokenCalls();
    const [, action] = /<form[^>]* action="([^"]+)"/.exec(page.text);
    let way = await browser.open(new URL(action, page.url).href, { method: 'POST', body: new URLSearchParams({ prompt: 'consent' }) });
    while (!way.headers.get('location').startsWith(service.url)) {
      way = await browser.open(new URL(way.headers.get('location'), way.url).href);
    }
    const stolen = await new Browser().open(way.headers.get('location'));
    assert.equal(stolen.status, 400);
    assert.deepEqual([tokenCalls(), await connections()], [[], before]);
  });
});

describe('errors', () => {
  test('a user who does not consent gets a page that says so, and no connection', async () => {
    const browser = new Browser();
    const before = await connections();
    const { page } = await consent(browser, 'basic');
    const [, abort] = /href="([^"]+\/abort)"/.exec(page.text);
    const last = await browser.follow(await browser.open(new URL(abort, page.url).href));
    assert.ok(last.url.startsWith(`${service.url}/oauth/callback?error=access_denied`), last.url);
    assert.equal(last.status, 400);
    assert.deepEqual(await connections(), before);
  });

  test('a client with the wrong secret makes no connection', async () => {
    const browser = new Browser();
    const before = await connections();
    const { page } = await consent(browser, 'wrong');
    tokenCalls();
    const last = await browser.submit(page, {});
    assert.equal(last.status, 400, last.text);
    const [call, ...others] = tokenCalls();
    assert.deepEqual([call.status, call.body.error, others.length], [401, 'invalid_client', 0]);
    assert.ok(!last.text.includes('not-the-secret'));
    assert.deepEqual(await connections(), before);
  });
});

describe('refresh', () => {
  for (const key of ['basic', 'post']) {
    test(`each renewal uses the newest refresh token: ${key}`, async () => {
      const { id } = await connect(key);
      tokenCalls();
      const tokens = [];
      for (let reads = 0; reads < 3; reads += 1) {
        const { status, body } = await read(id, key, '&refresh_token=true');
        assert.equal(status, 200, JSON.stringify(body));
        tokens.push(body.credentials);
      }
      const calls = tokenCalls();
      assert.deepEqual(calls.map(({ status }) => status), [200, 200, 200]);
      assert.ok(calls.every(({ params }) => params.grant_type === 'refresh_token'));
      assert.equal(new Set(tokens.map((token) => token.access_token)).size, 3);
      assert.equal(new Set(tokens.map((token) => token.refresh_token)).size, 3);
      assert.equal(await userinfo(tokens[2].access_token), 200);
    });
  }

  test('many readers at once make one call, and the grant survives', async () => {
    const { id } = await connect('once');
    tokenCalls();
    const answers = await Promise.all(Array.from({ length: 32 }, () => read(id, 'once')));
    assert.deepEqual(answers.map(({ status }) => status), Array(32).fill(200));
    const { body } = await read(id, 'once');
    assert.equal(tokenCalls().length, 1);
    // Readers during the renewal got the previous token, which is still valid.
    const tokens = new Set(answers.map(({ body }) => body.credentials.access_token));
    assert.ok(tokens.size <= 2 && tokens.has(body.credentials.access_token));
    for (const token of tokens) assert.equal(await userinfo(token), 200);
    assert.equal((await read(id, 'once', '&force_refresh=true')).status, 200);
  });

  test('a grant that ended at the provider is told, and remembered', async () => {
    const { id } = await connect('basic');
    const { body } = await read(id, 'basic', '&refresh_token=true');
    await fetch(`${service.issuer}/token/revocation`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa('basic:basic-secret')}` },
      body: new URLSearchParams({ token: body.credentials.refresh_token }),
    });
    tokenCalls();
    const failed = await read(id, 'basic');
    assert.equal(failed.status, 400, JSON.stringify(failed.body));
    assert.equal(failed.body.error.code, 'invalid_credentials');
    assert.equal(failed.body.error.payload.connection.errors.length, 1);
    const [call, ...others] = tokenCalls();
    assert.deepEqual([call.status, call.body.error, others.length], [400, 'invalid_grant', 0]);
    // Soon afterwards, a read does not renew again.
    assert.equal((await read(id, 'basic')).status, 424);
    assert.deepEqual(tokenCalls(), []);
  });
});

describe('revocation', () => {
  test('a deleted connection ends its grant at the provider', async () => {
    const { id } = await connect('basic');
    const { body } = await read(id, 'basic', '&refresh_token=true');
    const { access_token, refresh_token } = body.credentials;
    assert.deepEqual([await isActive(access_token), await isActive(refresh_token)], [true, true]);
    const { status } = await ask('DELETE', `/connections/${id}?provider_config_key=basic`);
    assert.equal(status, 200);
    assert.deepEqual([await isActive(access_token), await isActive(refresh_token)], [false, false]);
  });
});

describe('client credentials', () => {
  for (const client_id of ['machine-basic', 'machine-post']) {
    const post = async (client_secret) => {
      const token = await session();
      const url = `${service.url}/oauth2/auth/${client_id}?connect_session_token=${token}`;
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ client_id, client_secret }) });
      return { status: response.status, body: await response.json() };
    };

    test(`a connection with the token of a client: ${client_id}`, async () => {
      tokenCalls();
      const { status, body } = await post(`${client_id}-secret`);
      assert.equal(status, 200, JSON.stringify(body));
      const [call] = tokenCalls();
      assert.equal(call.params.scope, 'api:read');
      assert.equal(call.authorization !== undefined, client_id === 'machine-basic');
      const connection = await read(body.connectionId, client_id);
      assert.equal(await isActive(connection.body.credentials.token), true);
    });

    test(`a client that the provider does not know makes none: ${client_id}`, async () => {
      const before = await connections();
      const { status } = await post('not-the-secret');
      assert.ok(status >= 400 && status < 500);
      assert.deepEqual(await connections(), before);
    });
  }
});
