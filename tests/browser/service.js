// The service on a free port of this machine with its data in memory, the provider that it calls,
// and a customer's page on another site.

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { startProvider } from './provider.js';

const local = process.env.LOCAL ?? new URL('../../target/debug/local', import.meta.url).pathname;

/** Starts all three. `stop` ends them. */
export async function start() {
  const provider = await startProvider();
  const host = await startHost();
  const keys = { main: randomUUID(), many: randomUUID(), look: randomUUID(), none: randomUUID() };
  const service = await startService(document(keys, provider.url));
  const stop = async () => {
    await service.stop();
    provider.stop();
    host.stop();
  };
  return { url: service.url, hostUrl: host.url, keys, stop };
}

/** Starts the service alone, with an environment document or as the demo. `link` is the banner's. */
export async function startService(document) {
  const folder = await mkdtemp(join(tmpdir(), 'browser-'));
  const options = ['--in-memory', '--listen', '127.0.0.1:0'];
  if (document) {
    const environment = join(folder, 'environment.json');
    await writeFile(environment, JSON.stringify(document));
    options.push('--environment', environment);
  }
  const service = spawn(local, options, {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, RUST_LOG: 'error' },
  });
  const exit = once(service, 'exit');
  const banner = await Promise.race([
    printed(service.stdout),
    exit.then(([code]) => Promise.reject(new Error(`${local} ended with ${code}`))),
  ]);
  const stop = async () => {
    service.kill('SIGTERM');
    await exit;
    await rm(folder, { recursive: true });
  };
  return {
    url: /^\s*url\s+(http:\S+)/m.exec(banner)?.[1],
    link: /^http\S+session_token\S+$/m.exec(banner)?.[0],
    stop,
  };
}

/** The text that the service prints when it is ready. */
function printed(output) {
  return new Promise((resolve) => {
    const lines = [];
    createInterface({ input: output }).on('line', (line) => {
      lines.push(line);
      if (line === 'Ctrl-C stops it.') resolve(lines.join('\n'));
    });
  });
}

/** A port on which nothing listens. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

/** A customer's page with Nango's unmodified package. `localhost` is another site than `127.0.0.1`. */
async function startHost() {
  const package_ = new URL('node_modules/@nangohq/frontend/dist/', import.meta.url);
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://host');
    const name = pathname.slice(1) || 'host.html';
    const file = name.startsWith('sdk/')
      ? new URL(name.slice(4), package_)
      : new URL('host.html', import.meta.url);
    response.writeHead(200, {
      'content-type': name.endsWith('.js') ? 'text/javascript' : 'text/html; charset=utf-8',
    });
    response.end(await readFile(file));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://localhost:${server.address().port}`, stop };
}

const common = { categories: ['other'], docs: 'https://example.com/docs' };
const CLIENT = { type: 'OAUTH2', client_id: 'id', client_secret: 'secret', scopes: 'read,write' };

function document(keys, base_url) {
  const verification = { method: 'GET', endpoints: ['/me'] };
  const secret = { type: 'string', secret: true };
  const oauth = { auth_mode: 'OAUTH2', ...common, token_url: `${base_url}/token`, proxy: { base_url } };
  const providers = [
    {
      name: 'acme-key',
      display_name: 'Acme',
      auth_mode: 'API_KEY',
      ...common,
      docs_connect: 'https://example.com/keys',
      proxy: { base_url, headers: { authorization: 'Bearer ${apiKey}' }, verification },
      credentials: {
        apiKey: {
          ...secret,
          title: 'API key',
          description: 'A key of your Acme account',
          doc_section: '#keys',
        },
      },
    },
    {
      name: 'acme-fields',
      display_name: 'Acme Fields',
      auth_mode: 'API_KEY',
      ...common,
      proxy: { base_url, headers: { authorization: 'Bearer ${apiKey}' }, verification },
      connection_config: {
        subdomain: {
          type: 'string',
          title: 'Subdomain',
          description: 'The part before .acme.test',
          example: 'shop',
          order: 1,
          pattern: '^[a-z0-9-]+$',
          prefix: 'https://',
          suffix: '.acme.test',
        },
        region: {
          type: 'string',
          title: 'Region',
          description: 'Where your data is',
          enum: ['eu', 'us'],
          default_value: 'eu',
          order: 2,
        },
        account: {
          type: 'string',
          title: 'Account',
          description: 'Only for us',
          visible_when: { region: 'us' },
          order: 3,
        },
        mail: {
          type: 'string',
          title: 'Mail',
          description: 'Yours',
          format: 'email',
          optional: true,
          order: 4,
        },
        secretly: { type: 'string', title: 'Hidden', description: 'x', hidden: true, default_value: 'fixed' },
        workspace: { type: 'string', title: 'Automated', description: 'x', automated: true },
      },
    },
    {
      name: 'acme-basic',
      display_name: 'Acme Login',
      auth_mode: 'BASIC',
      ...common,
      proxy: { base_url, verification },
    },
    { name: 'acme-oauth', display_name: 'Acme Cloud', ...oauth, authorization_url: `${base_url}/authorize` },
    {
      name: 'acme-coop',
      display_name: 'Acme Bank',
      ...oauth,
      authorization_url: `${base_url}/coop/authorize`,
    },
    {
      name: 'acme-broken',
      display_name: 'Acme Broken',
      ...oauth,
      authorization_url: `${base_url}/authorize`,
      token_url: `${base_url}/broken-token`,
    },
  ];
  const integrations = [
    { unique_key: 'key', provider: 'acme-key', display_name: 'Acme Mail' },
    { unique_key: 'fields', provider: 'acme-fields' },
    { unique_key: 'basic', provider: 'acme-basic' },
    { unique_key: 'open', provider: 'unauthenticated', display_name: 'Open Data' },
    { unique_key: 'oauth', provider: 'acme-oauth', credentials: CLIENT },
    { unique_key: 'coop', provider: 'acme-coop', credentials: CLIENT },
    { unique_key: 'broken', provider: 'acme-broken', credentials: CLIENT },
    { unique_key: 'unfinished', provider: 'github' },
  ];
  const shown = ['github', 'hubspot', 'notion', 'slack'];
  const look = shown.map((name) => ({ unique_key: name, provider: name }));
  const many = Array.from({ length: 200 }, (_, i) => ({
    unique_key: `n${i}`,
    provider: shown[i % 4],
    display_name: `Account ${i}`,
  }));
  const key = (secret) => [{ name: 'server', secret, scopes: ['environment:*'] }];
  const colours = { light: { primary: '#7A1FA2' }, dark: { primary: 'gold' } };
  return {
    environments: [
      { name: 'main', secret_keys: key(keys.main), providers, integrations },
      { name: 'many', secret_keys: key(keys.many), integrations: many },
      {
        name: 'look',
        secret_keys: key(keys.look),
        integrations: look,
        connect_ui: { showWatermark: false, defaultTheme: 'dark', theme: colours },
      },
      { name: 'none', secret_keys: key(keys.none) },
    ],
  };
}
