// Every text in every language.

import { readFile, readdir } from 'node:fs/promises';

import { expect, picture, test } from './fixtures.js';

const page_ = new URL('../../functions/connect-ui/page/', import.meta.url);

async function texts(language) {
  return JSON.parse(await readFile(new URL(`languages/${language}.json`, page_), 'utf8'));
}

test('every language has every key, with the same values in it', async () => {
  const english = await texts('en');
  const files = await readdir(new URL('languages/', page_));
  expect(files.sort()).toEqual(['de.json', 'en.json', 'es.json', 'fr.json', 'ja.json']);
  const values = (text) => (text.match(/\{\w+\}/g) ?? []).sort();
  for (const file of files) {
    const own = await texts(file.slice(0, -5));
    expect(Object.keys(own), file).toEqual(Object.keys(english));
    for (const [key, text] of Object.entries(own)) {
      expect(text, `${file}: ${key}`).not.toBe('');
      expect(values(text), `${file}: ${key}`).toEqual(values(english[key]));
    }
  }
});

test('every key that the page uses is there, and no other', async () => {
  const modules = (await readdir(page_)).filter((name) => name.endsWith('.js'));
  const source = (await Promise.all(modules.map((name) => readFile(new URL(name, page_), 'utf8')))).join(
    '\n',
  );
  const quoted = new Set(Array.from(source.matchAll(/'([a-z][A-Za-z_.]*)'/g), ([, text]) => text));
  // The keys of field names are composed: `field.` and the credential.
  const fields = new Set(Array.from(source.matchAll(/'([A-Za-z_]+)\*?'/g), ([, name]) => `field.${name}`));
  const known = ['dir', 'noscript'];
  for (const key of Object.keys(await texts('en'))) {
    expect(quoted.has(key) || fields.has(key) || known.includes(key), key).toBe(true);
  }
});

for (const [lang, title, close] of [
  ['en', 'Connect an account', 'Close'],
  ['fr', 'Connecter un compte', 'Fermer'],
  ['de', 'Konto verbinden', 'Schließen'],
  ['es', 'Conectar una cuenta', 'Cerrar'],
  ['ja', 'アカウントを接続', '閉じる'],
]) {
  test(`${lang}: document, title, every view`, async ({ page, mint, embed }) => {
    const ui = await embed((await mint({ allowed_integrations: ['key', 'open'] })).token, { lang });
    await expect(ui.getByRole('heading', { level: 1 })).toHaveText(title);
    await expect(ui.locator('html')).toHaveAttribute('lang', lang);
    expect(await ui.locator('title').textContent()).toBe(title);
    await expect(ui.getByRole('button', { name: close })).toBeVisible();
    await picture(page, `language-${lang}`);
  });
}

test('the browser’s language, where the host names none', async ({ browser, mint }) => {
  const context = await browser.newContext({ locale: 'de-AT' });
  const page = await context.newPage();
  await page.goto((await mint({}, 'many')).link);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Konto verbinden');
  await context.close();
});

test('a language that is not there is English', async ({ page, mint }) => {
  await page.goto(`${(await mint({}, 'many')).link}&lang=pt-BR`);
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
});
