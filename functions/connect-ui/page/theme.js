// The environment's colours, adapted so that texts are readable (WCAG 2.2, 1.4.3 and 1.4.11).

/** @typedef {[number, number, number]} Rgb */

/** @type {Rgb} */
const WHITE = [255, 255, 255];
/** @type {Rgb} */
const INK = [10, 16, 24];
/** The card behind texts, as style.css has it. @type {Record<string, Rgb>} */
const CARDS = { light: WHITE, dark: [24, 29, 35] };

/**
 * Parses any CSS colour; `null` if the text is none.
 * @param {string} text
 * @returns {Rgb | null}
 */
function parsed(text) {
  const context = document.createElement('canvas').getContext('2d');
  if (!context || !CSS.supports('color', text)) return null;
  context.fillStyle = text;
  context.fillRect(0, 0, 1, 1);
  const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
  return [red, green, blue];
}

/**
 * Relative luminance, as WCAG defines it.
 * @param {Rgb} colour
 */
function luminance(colour) {
  const [red, green, blue] = colour.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/**
 * @param {Rgb} one
 * @param {Rgb} other
 */
export function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/**
 * The colour, or the nearest to it that is readable on `ground`.
 * @param {Rgb} colour
 * @param {Rgb} ground
 * @returns {Rgb}
 */
function readable(colour, ground) {
  const towards = luminance(ground) > 0.18 ? INK : WHITE;
  for (let part = 0; part < 1; part += 0.05) {
    const mixed = /** @type {Rgb} */ (
      colour.map((value, i) => Math.round(value + (towards[i] - value) * part))
    );
    if (contrast(mixed, ground) >= 4.5) return mixed;
  }
  return towards;
}

/** @param {Rgb} colour */
const css = (colour) => `rgb(${colour.join(' ')})`;

/**
 * Applies the environment's theme and colours. `wanted` is the host's choice, which takes precedence.
 * @param {Session['connectUISettings']} settings
 * @param {string | null} wanted
 */
export function applyTheme(settings, wanted) {
  const root = document.documentElement;
  const theme = [wanted, settings.defaultTheme].find((name) => name && /^(light|dark|system)$/.test(name));
  const system = window.matchMedia('(prefers-color-scheme: dark)');
  const paint = () => {
    const name = theme === 'light' || theme === 'dark' ? theme : system.matches ? 'dark' : 'light';
    const primary = parsed(settings.theme[name].primary) ?? [0, 178, 227];
    root.dataset.theme = name;
    root.style.setProperty('--primary', css(primary));
    root.style.setProperty(
      '--on-primary',
      css(contrast(INK, primary) > contrast(WHITE, primary) ? INK : WHITE),
    );
    root.style.setProperty('--accent', css(readable(primary, CARDS[name])));
  };
  paint();
  system.onchange = paint;
}
