// The service on a free port of this machine, its data in memory, and a provider that it calls.

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const local = process.env.LOCAL ?? new URL('../../target/debug/local', import.meta.url).pathname;

/** Starts both. `webhooks` has the environment's webhook settings. `stop` ends them. */
export async function start(webhooks) {
  const provider = await startProvider();
  const secretKey = randomUUID();
  const service = await serve(document(secretKey, provider.url, webhooks));
  const stop = async () => {
    await service.stop();
    provider.server.close();
    provider.server.closeAllConnections();
  };
  return { url: service.url, secretKey, provider, stop };
}

/** Starts the service with an environment document. `stop` ends it. */
export async function serve(document) {
  const folder = await mkdtemp(join(tmpdir(), 'connect-sessions-'));
  const environment = join(folder, 'environment.json');
  await writeFile(environment, JSON.stringify(document));
  const service = spawn(
    local,
    ['--in-memory', '--listen', '127.0.0.1:0', '--environment', environment],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, RUST_LOG: 'error' } },
  );
  const exit = once(service, 'exit');
  const url = await Promise.race([
    printedUrl(service.stdout),
    exit.then(([code]) => Promise.reject(new Error(`${local} ended with ${code}`))),
  ]);
  const stop = async () => {
    service.kill('SIGTERM');
    await exit;
    await rm(folder, { recursive: true });
  };
  return { url, stop };
}

/** The URL in the text that the service prints when it is ready. */
function printedUrl(output) {
  return new Promise((resolve) => {
    createInterface({ input: output }).on('line', (line) => {
      const found = /^\s*url\s+(http:\S+)/.exec(line);
      if (found) resolve(found[1]);
    });
  });
}

/**
 * A provider that accepts the key `good`, the user `ada` with the password `lovelace`, and any
 * client. `calls` has its requests.
 */
async function startProvider() {
  const calls = [];
  const basic = `Basic ${Buffer.from('ada:lovelace').toString('base64')}`;
  const server = createServer((request, response) => {
    const { method, url, headers } = request;
    calls.push({ method, url, authorization: headers.authorization });
    const isGood = ['Bearer good', basic].includes(headers.authorization);
    const token = { access_token: `token-${calls.length}`, token_type: 'Bearer', expires_in: 3600 };
    request.resume();
    response.writeHead(url === '/token' || isGood ? 200 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify(url === '/token' ? token : {}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, calls, url: `http://127.0.0.1:${server.address().port}` };
}

function document(secretKey, base_url, webhooks) {
  const verification = { method: 'GET', endpoints: ['/me'] };
  const common = { categories: ['other'], docs: 'https://example.com/docs' };
  const providers = [
    {
      name: 'acme-key', display_name: 'Acme Key', auth_mode: 'API_KEY', ...common,
      proxy: { base_url, headers: { authorization: 'Bearer ${apiKey}' }, verification },
    },
    {
      name: 'acme-basic', display_name: 'Acme Basic', auth_mode: 'BASIC', ...common,
      proxy: { base_url, verification },
    },
    {
      name: 'acme-client', display_name: 'Acme Client', auth_mode: 'OAUTH2_CC', ...common,
      token_url: `${base_url}/token`, token_params: { grant_type: 'client_credentials' },
      proxy: { base_url },
    },
    {
      name: 'acme-oauth', display_name: 'Acme OAuth', auth_mode: 'OAUTH2', ...common,
      authorization_url: `${base_url}/authorize`, token_url: `${base_url}/token`,
      proxy: { base_url },
    },
  ];
  const client = { type: 'OAUTH2', client_id: 'id', client_secret: 'secret', scopes: 'read,write' };
  const integrations = [
    { unique_key: 'key', provider: 'acme-key', display_name: 'Our keys' },
    { unique_key: 'basic', provider: 'acme-basic' },
    { unique_key: 'client', provider: 'acme-client' },
    { unique_key: 'oauth', provider: 'acme-oauth', credentials: client },
    { unique_key: 'open', provider: 'unauthenticated' },
  ];
  const secret_keys = [{ name: 'server', secret: secretKey, scopes: ['environment:*'] }];
  return { environments: [{ name: 'dev', secret_keys, providers, integrations, webhooks }] };
}
