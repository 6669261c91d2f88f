// The logos of providers: one request for a whole list. Until its answer, and for a provider without
// a logo, a letter is shown.

import { h, svg } from './dom.js';

/** @type {Promise<Logos> | undefined} */
let logos;

/**
 * Requests the logos of these providers.
 * @param {string[]} providers
 */
export function loadLogos(providers) {
  const names = [...new Set(providers)].sort().join(',');
  logos = fetch(`logos?of=${encodeURIComponent(names)}`, { credentials: 'omit' })
    .then((response) => response.json())
    .catch(() => ({}));
}

/**
 * The tile that stands for a provider.
 * @param {string} provider
 * @param {string} name
 */
export function logo(provider, name) {
  const hue = [...provider].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 12, 0);
  const letter = [...name][0] ?? '';
  const tile = h('span', { class: `logo hue-${hue}`, 'aria-hidden': 'true' }, letter.toUpperCase());
  logos?.then((known) => {
    const mark = known[provider];
    if (!mark) return;
    tile.className = 'logo';
    tile.replaceChildren(svg(mark.path, { fill: mark.colour }));
  });
  return tile;
}
