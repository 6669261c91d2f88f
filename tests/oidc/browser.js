// As much of a browser as redirects need: cookies per host and path, links and forms.

/** Keeps cookies, and follows no redirect by itself. */
export class Browser {
  #cookies = new Map();

  /** Requests a page. */
  async open(url, options = {}) {
    const { host, pathname } = new URL(url);
    const cookie = [...this.#cookies.values()]
      .filter((known) => known.host === host && pathname.startsWith(known.path))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
    const headers = { ...options.headers, ...(cookie && { cookie }) };
    const response = await fetch(url, { ...options, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) this.#keep(host, line);
    return { url, status: response.status, headers: response.headers, text: await response.text() };
  }

  /** Follows redirects up to a page. */
  async follow(page) {
    for (let hops = 0; page.status >= 300 && page.status < 400 && hops < 10; hops += 1) {
      page = await this.open(new URL(page.headers.get('location'), page.url).href);
    }
    return page;
  }

  /** Sends the form of a page. */
  async submit(page, fields) {
    const [, action] = /<form[^>]* action="([^"]+)"/.exec(page.text);
    const [, prompt] = /name="prompt" value="([^"]+)"/.exec(page.text);
    const body = new URLSearchParams({ prompt, ...fields });
    return this.follow(await this.open(new URL(action, page.url).href, { method: 'POST', body }));
  }

  #keep(host, line) {
    const [pair, ...attributes] = line.split(';').map((part) => part.trim());
    const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
    const attribute = (key) => {
      const found = attributes.find((part) => part.toLowerCase().startsWith(`${key}=`));
      return found?.slice(key.length + 1);
    };
    const path = attribute('path') ?? '/';
    const key = `${host} ${path} ${name}`;
    const expires = attribute('expires');
    const isOver = attribute('max-age') === '0' || (expires && new Date(expires) <= new Date(0));
    if (isOver) this.#cookies.delete(key);
    else this.#cookies.set(key, { host, path, name, value });
  }
}
