// Elements without a framework.

/** @typedef {Node | string | false | null | undefined} Child */

/**
 * An element with attributes, listeners (`onclick`) and children.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...Child} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value != null) element.setAttribute(name, String(value));
  }
  element.append(...shown(children));
  return element;
}

/**
 * The children without those whose condition is false (`condition && element`).
 * @param {Child[]} children
 */
export function shown(children) {
  return children.filter((child) => child !== false && child !== null && child !== undefined);
}

/** Paths in a square of 24, drawn as strokes. */
const ICONS = {
  back: 'M19 12H5m6-7-7 7 7 7',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  close: 'M6 6l12 12M18 6 6 18',
  end: 'M12 8v5m0 3.5v.01M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18z',
  next: 'm9 5 7 7-7 7',
  open: 'M14 4h6v6m0-6-9 9M10 5H5v14h14v-5',
  search: 'M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14zm5 12 4.5 4.5',
};

/**
 * An icon that screen readers skip, because the text beside it says the same.
 * @param {keyof typeof ICONS} name
 */
export function icon(name) {
  return svg(ICONS[name], {
    class: `icon ${name}`,
    fill: 'none',
    stroke: 'currentColor',
    'stroke-width': '2',
    'stroke-linecap': 'round',
    'stroke-linejoin': 'round',
  });
}

/**
 * @param {string} path
 * @param {Record<string, string>} attributes
 */
export function svg(path, attributes) {
  const space = 'http://www.w3.org/2000/svg';
  const picture = document.createElementNS(space, 'svg');
  const all = { viewBox: '0 0 24 24', 'aria-hidden': 'true', focusable: 'false', ...attributes };
  for (const [name, value] of Object.entries(all)) picture.setAttribute(name, value);
  const shape = document.createElementNS(space, 'path');
  shape.setAttribute('d', path);
  picture.append(shape);
  return picture;
}
