// A provider: an API that accepts the key `good` and the user `ada` with the password `lovelace`, and
// an OAuth server that asks for consent each time.

import { once } from 'node:events';
import { createServer } from 'node:http';

/** Starts it on a free port of this machine. */
export async function startProvider() {
  const basic = `Basic ${Buffer.from('ada:lovelace').toString('base64')}`;
  const server = createServer((request, response) => {
    const url = new URL(request.url, 'http://provider');
    request.resume();
    if (url.pathname.endsWith('/authorize')) {
      consent(url, response);
    } else if (url.pathname === '/token') {
      json(response, 200, {
        access_token: 'granted',
        refresh_token: 'again',
        token_type: 'Bearer',
        expires_in: 3600,
      });
    } else if (url.pathname === '/broken-token') {
      json(response, 400, { error: 'invalid_grant' });
    } else {
      json(response, ['Bearer good', basic].includes(request.headers.authorization) ? 200 : 401, {});
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, stop };
}

function json(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** `/coop/authorize` isolates its page, which cuts the tie between it and its opener. */
function consent(url, response) {
  const back = (parameters) => {
    const target = new URL(url.searchParams.get('redirect_uri'));
    target.search = String(new URLSearchParams({ ...parameters, state: url.searchParams.get('state') }));
    return target.href.replaceAll('&', '&amp;');
  };
  const headers = { 'content-type': 'text/html; charset=utf-8' };
  if (url.pathname.startsWith('/coop')) headers['cross-origin-opener-policy'] = 'same-origin';
  const denied = { error: 'access_denied', error_description: 'The user said no' };
  response.writeHead(200, headers);
  response.end(`<!doctype html><html lang="en"><title>Provider</title><link rel="icon" href="data:,">
    <h1>Allow access?</h1><a href="${back({ code: 'code' })}">Allow</a> <a href="${back(denied)}">Deny</a></html>`);
}
