// Nango's own packages, unmodified from npm, with this service: `@nangohq/node` as on the customer's
// server, `@nangohq/frontend` as in the browser.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import Frontend from '@nangohq/frontend';
import { Nango } from '@nangohq/node';

import { start } from './service.js';

const UUID4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

let service;
let nango;

before(async () => {
  service = await start();
  nango = new Nango({ host: service.url, apiKey: service.secretKey });
});
after(() => service?.stop());

/** A session, and the browser that holds its token. */
async function browser(session = {}) {
  const { data } = await nango.createConnectSession({ tags: {}, ...session });
  return new Frontend({ host: service.url, connectSessionToken: data.token });
}

/** Makes a connection with an API key, and returns its id. */
async function connect(session) {
  const user = await browser(session);
  const { connectionId } = await user.auth('key', { credentials: { apiKey: 'good' } });
  return connectionId;
}

async function ids(connections) {
  return (await connections).connections.map((connection) => connection.connection_id);
}

/** The status and the error code with which a call fails. */
async function refusal(call) {
  const error = await call.then(() => assert.fail('no error'), (error) => error);
  return [error.response.status, error.response.data.error.code];
}

describe('catalogue', () => {
  test('listProviders finds by name', async () => {
    const names = (await nango.listProviders({ search: 'github' })).data.map(({ name }) => name);
    assert.ok(names.includes('github'));
    assert.ok(names.every((name) => name.includes('github')));
  });

  test('listProviders lists all of them', async () => {
    assert.ok((await nango.listProviders({})).data.length >= 100);
  });

  test('getProvider', async () => {
    const { data } = await nango.getProvider({ provider: 'github' });
    assert.equal(data.name, 'github');
    assert.equal(data.auth_mode, 'OAUTH2');
    assert.match(data.logo_url, /\/images\/template-logos\/github\.svg$/);
  });

  test('getProvider of one that the environment defines', async () => {
    assert.equal((await nango.getProvider({ provider: 'acme-key' })).data.display_name, 'Acme Key');
    const unknown = nango.getProvider({ provider: 'nope' });
    assert.deepEqual(await refusal(unknown), [404, 'not_found']);
  });
});

describe('integrations', () => {
  test('listIntegrations', async () => {
    const { configs } = await nango.listIntegrations();
    const keys = configs.map(({ unique_key }) => unique_key);
    assert.deepEqual(keys, ['basic', 'client', 'key', 'oauth', 'open']);
    assert.equal(configs[2].display_name, 'Our keys');
  });

  test('getIntegration', async () => {
    const { data } = await nango.getIntegration({ uniqueKey: 'oauth' });
    assert.equal(data.provider, 'acme-oauth');
    assert.equal('credentials' in data, false);
    const unknown = nango.getIntegration({ uniqueKey: 'nope' });
    assert.deepEqual(await refusal(unknown), [404, 'not_found']);
  });

  test('getIntegration with credentials', async () => {
    const { data } = await nango.getIntegration({ uniqueKey: 'oauth' }, { include: ['credentials'] });
    assert.deepEqual(data.credentials, {
      type: 'OAUTH2',
      client_id: 'id',
      client_secret: 'secret',
      scopes: 'read,write',
      webhook_secret: null,
    });
  });
});

describe('auth without a redirect', () => {
  test('API key', async () => {
    const user = await browser();
    const made = await user.auth('key', { credentials: { apiKey: 'good' } });
    assert.match(made.connectionId, UUID4);
    assert.equal(made.providerConfigKey, 'key');
    assert.ok(service.provider.calls.some(({ authorization }) => authorization === 'Bearer good'));
  });

  test('an API key that the provider refuses', async () => {
    const user = await browser();
    const refused = user.auth('key', { credentials: { apiKey: 'bad' } });
    await assert.rejects(refused, { type: 'connection_test_failed' });
  });

  test('user name and password', async () => {
    const user = await browser();
    const credentials = { username: 'ada', password: 'lovelace' };
    const { connectionId } = await user.auth('basic', { credentials });
    const connection = await nango.getConnection('basic', connectionId);
    assert.deepEqual(connection.credentials, { type: 'BASIC', ...credentials });
  });

  test('client credentials', async () => {
    const user = await browser();
    const credentials = { client_id: 'a', client_secret: 'b' };
    const { connectionId } = await user.auth('client', { credentials });
    const connection = await nango.getConnection('client', connectionId);
    assert.equal(connection.credentials.type, 'OAUTH2_CC');
    assert.match(connection.credentials.token, /^token-\d+$/);
  });

  test('nothing', async () => {
    const user = await browser();
    const { connectionId } = await user.create('open', { params: { region: 'eu' } });
    const connection = await nango.getConnection('open', connectionId);
    assert.deepEqual(connection.credentials, {});
    assert.deepEqual(connection.connection_config, { region: 'eu' });
  });

  test('an integration that the session does not allow', async () => {
    const user = await browser({ allowed_integrations: ['open'] });
    await assert.rejects(user.auth('key', { credentials: { apiKey: 'good' } }));
  });
});

describe('connections', () => {
  test('getConnection has what the session said', async () => {
    const id = await connect({
      end_user: { id: 'u1', email: 'ada@example.com', display_name: 'Ada' },
      organization: { id: 'o1' },
      tags: { plan: 'pro' },
    });
    const connection = await nango.getConnection('key', id);
    assert.equal(connection.connection_id, id);
    assert.equal(connection.provider, 'acme-key');
    assert.deepEqual(connection.credentials, { type: 'API_KEY', apiKey: 'good' });
    assert.equal(connection.end_user.id, 'u1');
    assert.equal(connection.end_user.organization.id, 'o1');
    assert.equal(connection.tags.plan, 'pro');
    assert.equal(connection.tags.end_user_email, 'ada@example.com');
    assert.deepEqual(connection.metadata, {});
    assert.deepEqual(await refusal(nango.getConnection('key', 'nope')), [404, 'not_found']);
  });

  test('getToken', async () => {
    const id = await connect();
    assert.deepEqual(await nango.getToken('key', id), { type: 'API_KEY', apiKey: 'good' });
  });

  test('listConnections filters', async () => {
    const end_user = { id: 'list-1', email: 'grace@example.com' };
    const id = await connect({ end_user, organization: { id: 'list-o' }, tags: { team: 'navy' } });
    const other = await connect({ end_user: { id: 'list-2' }, tags: { team: 'army' } });
    for (const connections of [
      nango.listConnections(id),
      nango.listConnections(undefined, 'grace@'),
      nango.listConnections(undefined, undefined, { endUserId: 'list-1' }),
      nango.listConnections(undefined, undefined, { endUserOrganizationId: 'list-o' }),
      nango.listConnections({ userId: 'list-1' }),
      nango.listConnections({ tags: { Team: 'navy' } }),
      nango.listConnections({ tags: { email: 'grace@example.com' } }),
      nango.listConnections({ connectionId: id, integrationId: ['key', 'open'], limit: 5 }),
    ]) {
      assert.deepEqual(await ids(connections), [id]);
    }
    const wrongIntegration = nango.listConnections({ connectionId: id, integrationId: 'open' });
    assert.deepEqual(await ids(wrongIntegration), []);
    // The newest comes first, and a page has as many as requested.
    const first = nango.listConnections(undefined, undefined, { limit: 1, page: 0 });
    const second = nango.listConnections(undefined, undefined, { limit: 1, page: 1 });
    assert.deepEqual([...(await ids(first)), ...(await ids(second))], [other, id]);
  });

  test('waitForConnection', async () => {
    await connect({ end_user: { id: 'waited-for' } });
    const connection = await nango.waitForConnection('key', 'waited-for');
    assert.equal(connection.end_user.id, 'waited-for');
  });

  test('setMetadata, updateMetadata, getMetadata', async () => {
    const id = await connect();
    const set = await nango.setMetadata('key', id, { a: 1, b: { c: 2 } });
    assert.equal(set.status, 201);
    const updated = await nango.updateMetadata('key', [id], { a: 3, d: null });
    assert.equal(updated.status, 200);
    assert.deepEqual(await nango.getMetadata('key', id), { a: 3, b: { c: 2 }, d: null });
    await nango.setMetadata('key', id, { e: 4 });
    assert.deepEqual(await nango.getMetadata('key', id), { e: 4 });
    const unknown = nango.setMetadata('key', [id, 'nope'], {});
    assert.deepEqual(await refusal(unknown), [404, 'unknown_connection']);
  });

  test('patchConnection', async () => {
    const id = await connect({ end_user: { id: 'before' }, tags: { plan: 'free' } });
    const target = { connectionId: id, provider_config_key: 'key' };
    assert.deepEqual(await nango.patchConnection(target, { tags: { plan: 'pro' } }), { success: true });
    assert.deepEqual((await nango.getConnection('key', id)).tags, { plan: 'pro' });
    await nango.patchConnection(target, { end_user: { id: 'after' } });
    const { end_user, tags } = await nango.getConnection('key', id);
    assert.equal(end_user.id, 'after');
    assert.deepEqual(tags, { end_user_id: 'after' });
  });

  test('createReconnectSession changes the connection in place', async () => {
    const id = await connect({ end_user: { id: 're-1' }, tags: { plan: 'pro' } });
    await nango.setMetadata('key', id, { kept: true });
    const before = await nango.getConnection('key', id);
    const { data } = await nango.createReconnectSession({ connection_id: id, integration_id: 'key' });
    const user = new Frontend({ host: service.url, connectSessionToken: data.token });
    const again = await user.reconnect('key', { credentials: { apiKey: 'good' } });
    assert.equal(again.connectionId, id);
    const { id: number, created_at, tags, metadata } = await nango.getConnection('key', id);
    assert.deepEqual([number, created_at], [before.id, before.created_at]);
    assert.deepEqual([tags.plan, metadata], ['pro', { kept: true }]);
  });

  test('deleteConnection', async () => {
    const id = await connect();
    const deleted = await nango.deleteConnection('key', id);
    assert.deepEqual([deleted.status, deleted.data], [200, { success: true }]);
    assert.deepEqual(await refusal(nango.getConnection('key', id)), [404, 'not_found']);
    const again = nango.deleteConnection('key', id);
    assert.deepEqual(await refusal(again), [400, 'unknown_connection']);
  });

  // The package has no method for this; its documentation says to call the API.
  test('an imported OAuth connection', async () => {
    const credentials = { type: 'OAUTH2', access_token: 'at', refresh_token: 'rt' };
    const imported = await fetch(`${service.url}/connections`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${service.secretKey}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({
        provider_config_key: 'oauth',
        connection_id: 'imported',
        credentials,
        metadata: { from: 'elsewhere' },
        tags: { plan: 'pro' },
      }),
    });
    assert.equal(imported.status, 201);
    assert.equal((await imported.json()).connection_id, 'imported');
    assert.equal(await nango.getToken('oauth', 'imported'), 'at');
    const shown = await nango.getConnection('oauth', 'imported');
    assert.equal('refresh_token' in shown.credentials, false);
    const whole = await nango.getConnection('oauth', 'imported', false, true);
    assert.equal(whole.credentials.refresh_token, 'rt');
    const raw = await nango.getRawTokenResponse('oauth', 'imported');
    assert.equal(raw.access_token, 'at');
    assert.deepEqual(await nango.getMetadata('oauth', 'imported'), { from: 'elsewhere' });
  });
});
