// The card that holds everything: a dialog within a frame, the main part of a page of its own.

import { h, icon, shown } from './dom.js';
import { isEmbedded } from './host.js';
import { t } from './messages.js';

/** @type {(id: string) => HTMLElement} */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** The one card of the page. */
export class Card {
  /** @param {() => void} leave called for the X, Escape and a click outside */
  constructor(leave) {
    const [skeleton, live] = [byId('card'), byId('live')];
    const bones = skeleton.querySelector('.content')?.childNodes ?? [];
    this.live = live;
    this.back = h('button', { class: 'round back', hidden: true, 'aria-label': t('back') }, icon('back'));
    this.close = h(
      'button',
      { class: 'round', hidden: !isEmbedded, 'aria-label': t('close'), onclick: leave },
      icon('close'),
    );
    this.content = h('div', { class: 'content' }, ...bones);
    this.watermark = h('p', { class: 'watermark', hidden: true }, t('watermark'));
    const role = isEmbedded ? { role: 'dialog', 'aria-modal': 'true', 'aria-labelledby': 'heading' } : {};
    this.element = h(
      isEmbedded ? 'div' : 'main',
      { class: 'card', ...role },
      h('div', { class: 'bar' }, this.back, this.close),
      this.content,
      this.watermark,
    );
    document.documentElement.classList.toggle('embedded', isEmbedded);
    skeleton.replaceWith(this.element);
    if (!isEmbedded) return;
    document.addEventListener('keydown', (event) => {
      if (document.querySelector('dialog[open]')) return;
      if (event.key === 'Escape') {
        // Else the question that this may open would get the key too, and close.
        event.preventDefault();
        leave();
      } else if (event.key === 'Tab') this.keepFocus(event);
    });
    document.body.addEventListener('mousedown', ({ target }) => {
      if (target === document.body || target === document.documentElement) leave();
    });
  }

  /**
   * Shows something else. Its heading gets the focus, so that a screen reader starts there.
   * @param {object} view
   * @param {string} view.title
   * @param {import('./dom.js').Child[]} view.children
   * @param {HTMLElement} [view.mark] shown above the heading
   * @param {(() => void) | undefined} [view.back]
   * @param {string} [view.said] announced besides the heading
   */
  show({ title, children, mark, back, said = '' }) {
    const heading = h('h1', { id: 'heading', tabindex: '-1' }, title);
    this.content.replaceChildren(...shown([mark, heading, ...children]));
    this.content.scrollTop = 0;
    this.back.hidden = !back;
    this.back.onclick = () => back?.();
    document.title = title;
    heading.focus();
    this.say(said);
  }

  /**
   * Announces something without moving the focus.
   * @param {string} text
   */
  say(text) {
    this.live.textContent = text;
  }

  /**
   * A modal dialog in a frame keeps the focus: behind it is the host's page.
   * @param {KeyboardEvent} event
   */
  keepFocus(event) {
    const all = [...this.element.querySelectorAll('a[href], button, input, select, textarea, summary')];
    const reachable = all.filter(
      (element) => element instanceof HTMLElement && element.offsetParent !== null,
    );
    const [first, last] = [reachable[0], reachable.at(-1)];
    const at = document.activeElement;
    const isOutside = !this.element.contains(at) || at === document.body;
    const turns = event.shiftKey ? at === first || at?.id === 'heading' : at === last;
    if (!turns && !isOutside) return;
    event.preventDefault();
    const next = event.shiftKey ? last : first;
    if (next instanceof HTMLElement) next.focus();
  }
}

/**
 * Asks whether to leave although something would be lost.
 * @param {string} question
 * @param {() => void} leave
 */
export function askToLeave(question, leave) {
  const dialog = /** @type {HTMLDialogElement} */ (
    h('dialog', { class: 'question', 'aria-labelledby': 'question' }, h('h2', { id: 'question' }, question))
  );
  const answer = (/** @type {boolean} */ isLeaving) => {
    dialog.close();
    dialog.remove();
    if (isLeaving) leave();
  };
  dialog.append(
    h(
      'div',
      { class: 'buttons' },
      h('button', { class: 'primary', type: 'button', onclick: () => answer(false) }, t('stay')),
      h('button', { class: 'secondary', type: 'button', onclick: () => answer(true) }, t('leave')),
    ),
  );
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
