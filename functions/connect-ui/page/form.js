// A form made of fields, with labels, complaints and secrets that can be shown.

import { h, icon } from './dom.js';
import { cleaned, complaint } from './fields.js';
import { t } from './messages.js';

/** A form on the page. */
export class Form {
  /**
   * @param {Field[]} fields
   * @param {string | undefined} docs the page that says where to find the values
   * @param {() => void} submit
   */
  constructor(fields, docs, submit) {
    this.inputs = fields.filter((field) => !field.hidden).map((field) => new Input(field, docs));
    this.fixed = fields.filter((field) => field.hidden && field.default_value);
    this.alert = h('div', { class: 'alert', role: 'alert', hidden: true });
    this.button = h('button', { class: 'primary', type: 'submit' }, t('connect'));
    this.element = h(
      'form',
      {
        novalidate: true,
        oninput: () => this.showWhatApplies(),
        onsubmit: (/** @type {Event} */ event) => {
          event.preventDefault();
          if (this.button.getAttribute('aria-disabled') !== 'true' && this.check()) submit();
        },
      },
      this.alert,
      ...this.inputs.map((input) => input.element),
      this.button,
    );
    this.showWhatApplies();
  }

  /** Whether something was typed that would be lost. */
  get isTouched() {
    return this.inputs.some((input) => input.value !== (input.field.default_value ?? ''));
  }

  /** The inputs whose condition holds. */
  get applying() {
    return this.inputs.filter((input) => !input.element.hidden);
  }

  /** Shows the fields whose `visible_when` holds, and no others. */
  showWhatApplies() {
    const values = Object.fromEntries(this.inputs.map((input) => [input.field.name, input.value]));
    for (const input of this.inputs) {
      const conditions = Object.entries(input.field.visible_when ?? {});
      input.element.hidden = !conditions.every(([name, wanted]) => [wanted].flat().includes(values[name]));
    }
  }

  /** Checks every field; the first that is wrong gets the focus. */
  check() {
    this.say();
    const wrong = this.applying.filter((input) => input.complain(complaint(input.field, input.value)));
    wrong[0]?.control.focus();
    return wrong.length === 0;
  }

  /** @returns {Filled} */
  get filled() {
    /** @type {Filled} */
    const filled = { credentials: {}, params: {}, override: {} };
    for (const { name, place, default_value = '' } of this.fixed) filled[place][name] = default_value;
    for (const { field, value } of this.applying) {
      if (value || !field.optional) filled[field.place][field.name] = value;
    }
    return filled;
  }

  /**
   * Shows an error above the fields, or removes it without a text.
   * @param {string} [text]
   * @param {string} [details] the provider's own message
   */
  say(text = '', details = '') {
    this.alert.hidden = !text;
    this.alert.replaceChildren();
    if (!text) return;
    this.alert.append(
      icon('end'),
      h(
        'div',
        {},
        h('p', {}, text),
        details && h('details', {}, h('summary', {}, t('details')), h('code', {}, details)),
      ),
    );
  }

  /**
   * Marks the credentials as wrong.
   * @param {string} text
   */
  refuse(text) {
    this.say(text);
    const wrong = this.applying.filter(({ field }) => field.place === 'credentials');
    for (const input of wrong) input.mark();
    const last = wrong.find(({ field }) => field.secret) ?? wrong[0];
    last?.control.focus();
    if (last?.control instanceof HTMLInputElement) last.control.select();
  }

  /**
   * While a call runs, the button says so and does nothing, but keeps the focus.
   * @param {boolean} isBusy
   */
  setBusy(isBusy) {
    this.button.setAttribute('aria-disabled', String(isBusy));
    this.button.classList.toggle('busy', isBusy);
    this.button.textContent = isBusy ? t('connecting') : t('connect');
  }
}

let count = 0;

/** A field on the page. */
class Input {
  /**
   * @param {Field} field
   * @param {string | undefined} docs
   */
  constructor(field, docs) {
    this.field = field;
    const id = `field-${(count += 1)}`;
    this.complaint = h('p', { class: 'complaint', id: `${id}-wrong`, hidden: true });
    this.control = control(field, id);
    this.control.addEventListener('input', () => this.complain(''));
    const section = docs && field.doc_section ? new URL(field.doc_section, docs).href : '';
    const described =
      field.description &&
      h(
        'p',
        { class: 'hint', id: `${id}-hint` },
        field.description,
        section && ' ',
        section && outside(section, t('docs.field')),
      );
    this.element = h(
      'div',
      { class: 'field' },
      h(
        'label',
        { for: id },
        field.title,
        field.optional && h('span', { class: 'optional' }, ` ${t('field.optional')}`),
      ),
      described,
      // A URL reads from left to right in every language.
      h(
        'div',
        { class: 'control', dir: (field.prefix || field.suffix) && 'ltr' },
        affix(field.prefix),
        this.control,
        affix(field.suffix),
        field.secret && !this.isTall && this.reveal(),
      ),
      this.complaint,
    );
    this.control.setAttribute(
      'aria-describedby',
      [`${id}-wrong`, described && `${id}-hint`].filter(Boolean).join(' '),
    );
  }

  get isTall() {
    return this.control instanceof HTMLTextAreaElement;
  }

  get value() {
    return cleaned(this.field, this.control.value);
  }

  /**
   * Shows a complaint, or removes it if it is empty. Returns whether there is one.
   * @param {string} text
   */
  complain(text) {
    this.complaint.textContent = text;
    this.complaint.hidden = !text;
    this.control.setAttribute('aria-invalid', String(text !== ''));
    return text !== '';
  }

  /** Marks the field as wrong; the reason is shown above the form. */
  mark() {
    this.control.setAttribute('aria-invalid', 'true');
  }

  /** The button that shows a secret. */
  reveal() {
    const button = h(
      'button',
      {
        type: 'button',
        class: 'reveal',
        'aria-pressed': 'false',
        'aria-label': t('show', { field: this.field.title }),
      },
      t('show.short'),
    );
    button.addEventListener('click', () => {
      const isShown = button.getAttribute('aria-pressed') !== 'true';
      button.setAttribute('aria-pressed', String(isShown));
      this.control.setAttribute('type', isShown ? 'text' : 'password');
    });
    return button;
  }
}

/**
 * The input element. A key of several lines needs more than one line.
 * @param {Field} field
 * @param {string} id
 * @returns {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement}
 */
function control(field, id) {
  const common = {
    id,
    name: field.name,
    'aria-required': !field.optional && 'true',
    'aria-invalid': 'false',
  };
  if (field.enum) {
    const options = field.enum.map((value) =>
      h('option', { value, selected: value === field.default_value }, value),
    );
    return /** @type {HTMLSelectElement} */ (h('select', common, ...options));
  }
  const text = {
    ...common,
    placeholder: field.example,
    spellcheck: 'false',
    autocapitalize: 'off',
    autocorrect: 'off',
  };
  if (field.secret && /certificate|private_?key/i.test(field.name) && !field.pattern) {
    return /** @type {HTMLTextAreaElement} */ (h('textarea', { ...text, rows: '4', autocomplete: 'off' }));
  }
  const known =
    field.place === 'credentials'
      ? { username: 'username', password: 'current-password' }[field.name]
      : undefined;
  const type = field.secret ? 'password' : field.format === 'email' ? 'email' : 'text';
  const input = h('input', { ...text, type, value: field.default_value, autocomplete: known ?? 'off' });
  return /** @type {HTMLInputElement} */ (input);
}

/** @param {string | undefined} text */
function affix(text) {
  return text && h('span', { class: 'affix' }, text);
}

/**
 * A link to another site, in a tab of its own.
 * @param {string} href
 * @param {string} text
 */
export function outside(href, text) {
  return h(
    'a',
    { href, target: '_blank', rel: 'noopener noreferrer' },
    text,
    icon('open'),
    h('span', { class: 'unseen' }, ` ${t('new.tab')}`),
  );
}
