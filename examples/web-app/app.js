// A web app whose users connect their accounts. It has everything that a customer of connect-sessions
// writes: make a session, open the Connect UI, receive the webhook, read the connection.
//
//   NANGO_HOST=http://127.0.0.1:3003 NANGO_SECRET_KEY=… NANGO_WEBHOOK_SIGNING_KEY=… npm start

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

import { Nango } from '@nangohq/node';

const {
  NANGO_HOST = 'http://127.0.0.1:3003',
  NANGO_SECRET_KEY,
  NANGO_WEBHOOK_SIGNING_KEY,
  PORT = '3000',
} = process.env;

// The secret key stays here, on the server.
const nango = new Nango({
  host: NANGO_HOST,
  apiKey: NANGO_SECRET_KEY,
  webhookSigningKey: NANGO_WEBHOOK_SIGNING_KEY,
});

/** The user who is logged in. A real app takes it from its own session. */
const user = { id: 'u1', email: 'ada@example.com', display_name: 'Ada' };

/** The connection ids by user. A real app has a table for them. */
const accounts = new Map();

const routes = {
  'GET /': () => [200, page(), 'text/html; charset=utf-8'],

  // The browser asks for a session when the user presses the button, because it lives half an hour.
  'POST /session': async () => {
    const { data } = await nango.createConnectSession({ end_user: user, tags: { plan: 'pro' } });
    return [200, { token: data.token }];
  },

  // The webhook says who connected what. The signature proves that the service sent it.
  'POST /webhooks': (body, headers) => {
    if (!nango.verifyIncomingWebhookRequest(body, headers)) return [401, {}];
    const event = JSON.parse(body);
    if (event.type === 'auth' && event.success && event.operation !== 'refresh') {
      const owner = event.tags.end_user_id;
      accounts.set(owner, [...(accounts.get(owner) ?? []), event]);
    }
    return [200, {}];
  },

  // The service renews credentials before it answers. They stay on the server too.
  'GET /accounts': async () => {
    const connections = (accounts.get(user.id) ?? []).map(({ providerConfigKey, connectionId }) =>
      nango.getConnection(providerConfigKey, connectionId),
    );
    const shown = ({ provider_config_key, credentials, tags }) => ({
      integration: provider_config_key,
      credentials: credentials.type,
      plan: tags.plan,
    });
    return [200, (await Promise.all(connections)).map(shown)];
  },

  // The official package, unmodified from npm.
  'GET /sdk/index.js': () => sdk('index.js'),
  'GET /sdk/authModal.js': () => sdk('authModal.js'),
  'GET /sdk/connectUI.js': () => sdk('connectUI.js'),
  'GET /sdk/types.js': () => sdk('types.js'),
};

async function sdk(name) {
  const folder = fileURLToPath(new URL('.', import.meta.resolve('@nangohq/frontend')));
  return [200, await readFile(folder + name, 'utf8'), 'text/javascript'];
}

function page() {
  return `<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Settings</title>
  <link rel="icon" href="data:,">
  <style>body { font: 1rem/1.5 system-ui, sans-serif; margin: 3rem auto; max-width: 36rem; padding: 0 1rem } #connect-ui { border: 0 }</style>
  <h1>Your accounts</h1>
  <ul id="accounts"></ul>
  <button id="connect">Connect an account</button>
  <script type="module">
    import Nango from '/sdk/index.js';

    const button = document.getElementById('connect');

    button.onclick = () => {
      const ui = new Nango().openConnectUI({
        baseURL: ${JSON.stringify(`${NANGO_HOST}/connect-ui`)},
        apiURL: ${JSON.stringify(NANGO_HOST)},
        onEvent: (event) => {
          if (event.type === 'connect') void showAccounts();
          if (event.type === 'close') button.focus();
        },
      });
      // The package gives its frame no title, which screen readers need.
      document.getElementById('connect-ui').title = 'Connect an account';
      fetch('/session', { method: 'POST' })
        .then((answer) => answer.json())
        .then(({ token }) => ui.setSessionToken(token));
    };

    // The webhook arrives a moment later, on the server. An app with a socket of its own would push it.
    async function showAccounts(tries = 10) {
      const known = document.querySelectorAll('li').length;
      const accounts = await (await fetch('/accounts')).json();
      const items = accounts.map(({ integration, credentials, plan }) => {
        const item = document.createElement('li');
        item.textContent = integration + ' (' + credentials + ', plan ' + plan + ')';
        return item;
      });
      document.getElementById('accounts').replaceChildren(...items);
      if (items.length === known && tries > 0) setTimeout(showAccounts, 500, tries - 1);
    }
    void showAccounts(0);
  </script>
</html>`;
}

const server = createServer(async (request, response) => {
  const route = routes[`${request.method} ${request.url}`];
  let body = '';
  for await (const part of request) body += part;
  try {
    const [status, answer, type = 'application/json'] = route
      ? await route(body, request.headers)
      : [404, {}];
    response.writeHead(status, { 'content-type': type });
    response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
  } catch (error) {
    console.error(error.message);
    response.writeHead(502).end();
  }
});

server.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`The app is at http://127.0.0.1:${server.address().port}`);
});
