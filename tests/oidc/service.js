// Our service, and `oidc-provider` as the provider that it connects, each on a free port of this
// machine. All URLs have one host name: for cookies, localhost and 127.0.0.1 are two.

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

import Provider from 'oidc-provider';

import { serve } from '../node/service.js';

const GRANTS = ['authorization_code', 'refresh_token'];

/** Starts both. `stop` ends them. */
export async function start() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const secretKey = randomUUID();
  const service = await serve(document(secretKey, issuer));
  const calls = [];
  const provider = new Provider(issuer, configuration(`${service.url}/oauth/callback`));
  provider.use(remember(calls));
  provider.on('server_error', (_, error) => console.error(error));
  server.on('request', provider.callback());
  const stop = async () => {
    await service.stop();
    server.close();
    server.closeAllConnections();
  };
  return { url: service.url, secretKey, issuer, calls, stop };
}

/** Records the requests to the endpoints that only a server calls. */
function remember(calls) {
  return async (context, next) => {
    await next();
    const { method, path, headers, status, body } = context;
    if (method === 'POST' && path.startsWith('/token')) {
      const { params } = context.oidc ?? {};
      calls.push({ path, status, body, params: { ...params }, authorization: headers.authorization });
    }
  };
}

function configuration(callback) {
  const client = (client_id, method, more) => ({
    client_id, client_secret: `${client_id}-secret`, token_endpoint_auth_method: method,
    grant_types: GRANTS, response_types: ['code'], redirect_uris: [callback], ...more,
  });
  const machine = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] };
  return {
    clients: [
      client('basic', 'client_secret_basic'),
      client('post', 'client_secret_post'),
      client('once', 'client_secret_post'),
      client('machine-basic', 'client_secret_basic', machine),
      client('machine-post', 'client_secret_post', machine),
    ],
    scopes: ['openid', 'offline_access', 'profile', 'api:read'],
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    // A refresh token works once; used again, it ends the whole grant.
    rotateRefreshToken: true,
    pkce: { required: () => true },
    ttl: {
      AccessToken: lifetime, ClientCredentials: 3600, RefreshToken: 86_400,
      Grant: 86_400, Interaction: 600, Session: 600, IdToken: 600,
    },
    cookies: { keys: [randomUUID()] },
    features: {
      devInteractions: { enabled: true },
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
    },
  };
}

/**
 * The lifetime of a token in seconds: less than the margin within which the service renews it, so
 * that each read renews it. The client `once` renews once: a renewed token lives for an hour.
 */
function lifetime({ oidc }, token, client) {
  return client.clientId === 'once' && oidc.params.grant_type === 'refresh_token' ? 3600 : 300;
}

function document(secretKey, issuer) {
  const common = {
    categories: ['other'], docs: 'https://example.com/docs', token_url: `${issuer}/token`,
    revocation_url: `${issuer}/token/revocation`, scope_separator: ' ', proxy: { base_url: issuer },
  };
  const oauth = {
    ...common, auth_mode: 'OAUTH2', issuer, authorization_url: `${issuer}/auth`,
    // Without it the provider issues no refresh token.
    authorization_params: { prompt: 'consent' },
  };
  const client = {
    ...common, auth_mode: 'OAUTH2_CC', token_params: { grant_type: 'client_credentials', scope: 'api:read' },
  };
  const providers = [
    { name: 'oidc-basic', display_name: 'Basic', ...oauth, token_request_auth_method: 'basic' },
    { name: 'oidc-post', display_name: 'Post', ...oauth },
    { name: 'oidc-machine-basic', display_name: 'Machine', ...client, token_request_auth_method: 'basic' },
    { name: 'oidc-machine-post', display_name: 'Machine', ...client },
  ];
  const scopes = 'openid,offline_access,profile';
  const credentials = (client_id, client_secret) => ({ type: 'OAUTH2', client_id, client_secret, scopes });
  const integrations = [
    { unique_key: 'basic', provider: 'oidc-basic', credentials: credentials('basic', 'basic-secret') },
    { unique_key: 'post', provider: 'oidc-post', credentials: credentials('post', 'post-secret') },
    { unique_key: 'once', provider: 'oidc-post', credentials: credentials('once', 'once-secret') },
    { unique_key: 'wrong', provider: 'oidc-basic', credentials: credentials('basic', 'not-the-secret') },
    { unique_key: 'machine-basic', provider: 'oidc-machine-basic' },
    { unique_key: 'machine-post', provider: 'oidc-machine-post' },
  ];
  const secret_keys = [{ name: 'server', secret: secretKey, scopes: ['environment:*'] }];
  return { environments: [{ name: 'dev', secret_keys, providers, integrations }] };
}
