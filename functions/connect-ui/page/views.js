// The views apart from the form. Each end is named and offers one next step.

import { h, icon } from './dom.js';
import { isEmbedded } from './host.js';
import { logo } from './logos.js';
import { t } from './messages.js';

/** From this many integrations on, the list has a search. */
const SEARCH_FROM = 7;

/**
 * @param {string} text
 * @param {() => void} onclick
 */
export function primary(text, onclick) {
  return h('button', { class: 'primary', type: 'button', onclick }, text);
}

/**
 * @param {string} text
 * @param {() => void} onclick
 */
export function secondary(text, onclick) {
  return h('button', { class: 'secondary', type: 'button', onclick }, text);
}

/** @param {string} text */
export function lead(text) {
  return h('p', { class: 'lead' }, text);
}

/**
 * The picture of an end.
 * @param {'check' | 'end'} name
 */
export function sign(name) {
  return h('div', { class: `sign ${name}` }, icon(name));
}

/** Opened by link: the way back to the site the person came from, if the browser tells it. */
export function wayBack() {
  const from = URL.parse?.(document.referrer);
  if (isEmbedded || !from || from.origin === location.origin) return null;
  return h('a', { class: 'button primary', href: from.href }, t('back.to', { host: from.host }));
}

/**
 * The list of integrations, with a search if it is long.
 * @param {Integration[]} integrations
 * @param {(integration: Integration) => void} choose
 * @param {(text: string) => void} say
 */
export function list(integrations, choose, say) {
  const rows = integrations.map((integration) => {
    const name = integration.display_name;
    const row = h(
      'button',
      { class: 'row', type: 'button', onclick: () => choose(integration) },
      logo(integration.provider, name),
      h('span', { class: 'name' }, name),
      icon('next'),
    );
    return { item: h('li', {}, row), words: `${name} ${integration.provider}`.toLowerCase() };
  });
  const nothing = h('p', { class: 'lead nothing', hidden: true });
  const all = h('ul', { class: 'list' }, ...rows.map(({ item }) => item));
  if (integrations.length < SEARCH_FROM) return [all];
  const find = (/** @type {string} */ text) => {
    const words = text.toLowerCase().split(/\s+/);
    let count = 0;
    for (const row of rows) {
      row.item.hidden = !words.every((word) => row.words.includes(word));
      count += row.item.hidden ? 0 : 1;
    }
    nothing.hidden = count > 0;
    nothing.textContent = count > 0 ? '' : t('list.nothing', { text });
    say(count > 0 ? t('list.found', { count }) : t('list.nothing', { text }));
  };
  const input = h('input', {
    type: 'search',
    id: 'search',
    placeholder: t('list.search'),
    'aria-label': t('list.search'),
    autocomplete: 'off',
    spellcheck: 'false',
    oninput: (/** @type {any} */ event) => find(event.target.value.trim()),
  });
  return [h('div', { class: 'search' }, icon('search'), input), all, nothing];
}
