// The service's webhooks are accepted by Nango's package, by the official libraries of Standard
// Webhooks from npm and PyPI, and by the examples of docs/webhooks.md, which run unchanged.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Nango } from '@nangohq/node';
import { Webhook } from 'standardwebhooks';

import { start } from './service.js';

const SIGNING_KEY = 'b3f0b7a6-5c1d-4e4e-9a43-0f5d2c1b7e88';
const NEXT_KEY = 'f1a2c3d4-0b1c-4d2e-8f3a-4b5c6d7e8f90';

let service;
let receiver;
let folder;
let webhook;

before(async () => {
  receiver = await receive();
  service = await start({ primary_url: receiver.url, signing_key: SIGNING_KEY, next_signing_key: NEXT_KEY });
  // Next to node_modules, so that the examples find their libraries.
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

/** The example in docs/webhooks.md for a language. */
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

/** Deliveries, and whether each must be accepted. `what` says why. */
function cases() {
  const { body, headers } = webhook;
  const minutes = (number) => new Date(Date.now() - number * 60_000);
  const sentAt = (moment) => ({
    ...headers,
    'webhook-timestamp': String(Math.floor(moment / 1000)),
    'webhook-signature': new Webhook(btoa(SIGNING_KEY)).sign(headers['webhook-id'], moment, body),
  });
  return [
    { what: 'as it was sent', body, headers, key: SIGNING_KEY, good: true },
    { what: 'the key that is to come', body, headers, key: NEXT_KEY, good: true },
    { what: 'another key', body, headers, key: 'another', good: false },
    { what: 'another body', body: `${body} `, headers, key: SIGNING_KEY, good: false },
    { what: 'no signature', body, headers: {}, key: SIGNING_KEY, good: false },
    { what: 'lately', body, headers: sentAt(minutes(4)), key: SIGNING_KEY, good: true },
    { what: 'too old', body, headers: sentAt(minutes(6)), key: SIGNING_KEY, good: false },
    {
      what: 'another time', body, key: SIGNING_KEY, good: false,
      headers: { ...headers, 'webhook-timestamp': String(Math.floor(minutes(1) / 1000)) },
    },
  ];
}

/** The output of an example in another language: `good` or `bad` for each case. */
function assertTaken(printed) {
  const words = printed.trim().split(/\s+/);
  const taken = cases().map(({ what }, i) => [what, words[i]]);
  assert.deepEqual(taken, cases().map(({ what, good }) => [what, good ? 'good' : 'bad']));
}

test('the example for Node accepts what is good, and nothing else', async () => {
  const file = join(folder, 'example.mjs');
  await writeFile(file, await example('js'));
  const { verified, isGenuine } = await import(file);
  for (const { what, body, headers, key, good } of cases()) {
    if (good) assert.equal(verified(body, headers, key).tags.city, 'Zürich', what);
    else assert.throws(() => verified(body, headers, key), what);
  }
  const { body, headers } = webhook;
  assert.equal(isGenuine(body, headers, SIGNING_KEY), true);
  assert.equal(isGenuine(`${body} `, headers, SIGNING_KEY), false);
  assert.equal(isGenuine(body, {}, SIGNING_KEY), false);
});

test('the example for Python accepts what is good, and nothing else', { skip: !process.env.PYTHON }, async () => {
  const file = join(folder, 'example.py');
  await writeFile(file, `${await example('python')}

import json, sys
cases = json.load(sys.stdin)
for case in cases:
    try:
        body = verified(case["body"].encode(), case["headers"], case["key"])
        print("good" if body["tags"]["city"] == "Zürich" else "another")
    except Exception:
        print("bad")
body, headers, key = cases[0]["body"].encode(), cases[0]["headers"], cases[0]["key"]
assert is_genuine(body, headers, key)
assert not is_genuine(body + b" ", headers, key)
assert not is_genuine(body, {}, key)
`);
  const input = JSON.stringify(cases());
  assertTaken(execFileSync(process.env.PYTHON, [file], { input, encoding: 'utf8' }));
});

test('the example for Go accepts what is good, and nothing else', { skip: !process.env.GO }, async () => {
  const file = join(folder, 'example.go');
  await writeFile(file, `package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

${await example('go')}

func main() {
	var cases []struct {
		Body, Key string
		Headers   map[string]string
	}
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	for _, given := range cases {
		header := http.Header{}
		for name, value := range given.Headers {
			header.Set(name, value)
		}
		if isGenuine([]byte(given.Body), header, given.Key) {
			fmt.Println("good")
		} else {
			fmt.Println("bad")
		}
	}
}
`);
  const input = JSON.stringify(cases());
  assertTaken(execFileSync(process.env.GO, ['run', file], { input, encoding: 'utf8' }));
});
