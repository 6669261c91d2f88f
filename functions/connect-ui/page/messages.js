// The texts of the page. The document contains those of its language, so they need no request.

/** @type {Record<string, string>} */
const texts = JSON.parse(document.getElementById('messages')?.textContent ?? '{}');

/**
 * A text, with `{name}` replaced by a value.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ''));
}
