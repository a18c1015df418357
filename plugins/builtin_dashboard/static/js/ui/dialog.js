// Dialogs: drawers for editing, and questions. Built on <dialog>, so focus is trapped and Escape closes.

import { h, iconButton, uniqueId } from "../dom.js";

/**
 * Opens a drawer. `content`: nodes; `footer`: nodes; `isDirty()`: whether closing should ask first; `onclose()`.
 * Returns `{ close, element }`; `close()` closes without asking.
 */
export function openDrawer({ title, content, footer, isDirty = () => false, onclose = () => {}, wide = false }) {
  const titleId = uniqueId("title");
  const element = h(
    "dialog",
    { class: wide ? "drawer wide" : "drawer", "aria-labelledby": titleId },
    h("header", null, h("h2", { id: titleId }, title), iconButton("close", "Close", () => attempt())),
    h("div", { class: "drawer-body" }, content),
    footer ? h("footer", null, footer) : null,
  );
  const close = () => element.close();
  const attempt = async () => {
    if (!isDirty() || (await ask("Discard unsaved changes?", { confirm: "Discard", danger: true }))) {
      close();
    }
  };
  element.addEventListener("cancel", (event) => {
    event.preventDefault();
    attempt();
  });
  element.addEventListener("close", () => {
    window.removeEventListener("hashchange", close);
    element.remove();
    onclose();
  });
  element.addEventListener("mousedown", (event) => {
    if (event.target === element) {
      attempt();
    }
  });
  window.addEventListener("hashchange", close);
  document.body.append(element);
  element.showModal();
  return { close, element };
}

/** Asks a question; resolves to true if it was confirmed. `typed`: a text that has to be typed first. */
export function ask(text, { confirm = "OK", danger = false, typed = "" } = {}) {
  return new Promise((resolve) => {
    let answer = false;
    const yes = h("button", { class: danger ? "danger" : "primary", value: "yes", disabled: Boolean(typed) }, confirm);
    const input = typed
      ? h("input", {
          "aria-label": `Type ${typed} to confirm`,
          placeholder: typed,
          autocomplete: "off",
          oninput: (event) => {
            yes.disabled = event.target.value !== typed;
          },
        })
      : null;
    const form = h(
      "form",
      {
        method: "dialog",
        onsubmit: (event) => {
          answer = event.submitter === yes;
        },
      },
      h("p", null, text),
      input,
      h("div", { class: "actions" }, h("button", { value: "no", formnovalidate: true }, "Cancel"), yes),
    );
    const element = h("dialog", { class: "question", "aria-label": text }, form);
    element.addEventListener("close", () => {
      element.remove();
      resolve(answer);
    });
    document.body.append(element);
    element.showModal();
    (input || yes).focus();
  });
}
