// Webhooks that the service sends are accepted by Nango's package, by the official libraries of
// Standard Webhooks from npm and PyPI, and by the examples of docs/webhooks.md, run as they stand.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Nango } from '@nangohq/node';

import { start } from './service.js';

const SIGNING_KEY = 'b3f0b7a6-5c1d-4e4e-9a43-0f5d2c1b7e88';

let service;
let receiver;
let folder;
let webhook;

before(async () => {
  receiver = await receive();
  service = await start({ primary_url: receiver.url, signing_key: SIGNING_KEY });
  // Beside node_modules, so that examples find their libraries.
  folder = await mkdtemp(new URL('./examples-', import.meta.url).pathname);
  const nango = new Nango({ host: service.url, apiKey: service.secretKey });
  const { data } = await nango.createConnectSession({ tags: { city: 'Zürich' } });
  const path = `/auth/unauthenticated/open?connect_session_token=${data.token}`;
  assert.equal((await fetch(service.url + path, { method: 'POST' })).status, 200);
  webhook = await receiver.first;
});
after(async () => {
  receiver?.server.close();
  await service?.stop();
  await rm(folder, { recursive: true });
});

/** A receiver, and the first webhook that it gets. */
async function receive() {
  let arrived;
  const first = new Promise((resolve) => (arrived = resolve));
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    response.end();
    arrived({ body: Buffer.concat(chunks).toString(), headers: request.headers });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, first, url: `http://127.0.0.1:${server.address().port}/hooks` };
}

/** The example of a language in docs/webhooks.md. */
async function example(language) {
  const page = await readFile(new URL('../../docs/webhooks.md', import.meta.url), 'utf8');
  return page.split('```' + language + '\n')[1].split('\n```')[0];
}

test('@nangohq/node accepts it, and nothing else', () => {
  const nango = new Nango({
    host: service.url, apiKey: service.secretKey, webhookSigningKey: SIGNING_KEY,
  });
  const { body, headers } = webhook;
  assert.equal(nango.verifyIncomingWebhookRequest(body, headers), true);
  assert.equal(nango.verifyIncomingWebhookRequest(`${body} `, headers), false);
});

test('the example for Node accepts it, and nothing else', async () => {
  const file = join(folder, 'example.mjs');
  await writeFile(file, await example('js'));
  const { verified, isGenuine } = await import(file);
  const { body, headers } = webhook;
  assert.equal(verified(body, headers, SIGNING_KEY).tags.city, 'Zürich');
  assert.equal(isGenuine(body, headers, SIGNING_KEY), true);
  assert.throws(() => verified(`${body} `, headers, SIGNING_KEY));
  assert.equal(isGenuine(`${body} `, headers, SIGNING_KEY), false);
  assert.equal(isGenuine(body, {}, SIGNING_KEY), false);
});

test('the example for Python accepts it, and nothing else', { skip: !process.env.PYTHON }, async () => {
  const file = join(folder, 'example.py');
  await writeFile(file, `${await example('python')}

import json, sys
given = json.load(sys.stdin)
body, headers, key = given["body"].encode(), given["headers"], given["key"]
assert verified(body, headers, key)["tags"]["city"] == "Zürich"
assert is_genuine(body, headers, key)
assert not is_genuine(body + b" ", headers, key)
assert not is_genuine(body, {}, key)
try:
    verified(body + b" ", headers, key)
except Exception:
    print("good")
`);
  const input = JSON.stringify({ ...webhook, key: SIGNING_KEY });
  const printed = execFileSync(process.env.PYTHON, [file], { input, encoding: 'utf8' });
  assert.equal(printed.trim(), 'good');
});
