// Form controls bound to a key of an object, and the server's field errors shown beside them.

import { h, uniqueId } from "../dom.js";

/** A label, a control, a help line and a place for the error of `path` (dotted, as in the server's answer). */
export function labelled({ label, help, path, required }, control) {
  const id = control.id || uniqueId("field");
  const errorId = `${id}-error`;
  control.id = id;
  control.setAttribute("aria-describedby", errorId);
  return h(
    "div",
    { class: "field", dataset: { path: path || "" } },
    h("label", { for: id }, label, required ? h("span", { class: "required", title: "required" }, " *") : null),
    control,
    help ? h("p", { class: "help" }, help) : null,
    h("p", { class: "error", id: errorId, hidden: true }),
  );
}

/** A one-line input for `object[key]`. `type` number gives numbers (empty: `empty`, default 0). */
export function input({ object, key, type = "text", empty = 0, onchange = () => {}, ...rest }) {
  const { label, help, path = key, required, ...attributes } = rest;
  const value = object[key];
  const control = h("input", {
    type,
    autocomplete: type === "password" ? "new-password" : "off",
    spellcheck: "false",
    step: type === "number" ? "any" : undefined,
    ...attributes,
    value: value === null || value === undefined ? "" : String(value),
    oninput: () => {
      if (type === "number") {
        object[key] = control.value === "" ? empty : Number(control.value);
      } else {
        object[key] = control.value;
      }
      onchange(object[key]);
    },
  });
  return labelled({ label, help, path, required }, control);
}

/** A multi-line input for `object[key]`. */
export function textarea({ object, key, onchange = () => {}, label, help, path = key, required, ...attributes }) {
  const control = h("textarea", {
    rows: "3",
    spellcheck: "false",
    ...attributes,
    value: object[key] || "",
    oninput: () => {
      object[key] = control.value;
      onchange(object[key]);
    },
  });
  return labelled({ label, help, path, required }, control);
}

/** A list of texts for `object[key]`, one per line or separated by commas. */
export function listInput({ object, key, separator = ",", label, help, path = key, required, ...attributes }) {
  const control = h(separator === "\n" ? "textarea" : "input", {
    autocomplete: "off",
    spellcheck: "false",
    ...attributes,
    value: (object[key] || []).join(separator === "\n" ? "\n" : ", "),
    oninput: () => {
      object[key] = control.value
        .split(separator)
        .map((item) => item.trim())
        .filter(Boolean);
    },
  });
  return labelled({ label, help, path, required }, control);
}

/** A checkbox for `object[key]`. */
export function checkbox({ object, key, label, help, path = key, onchange = () => {}, disabled = false }) {
  const id = uniqueId("check");
  const control = h("input", {
    type: "checkbox",
    id,
    disabled,
    checked: Boolean(object[key]),
    onchange: () => {
      object[key] = control.checked;
      onchange(control.checked);
    },
  });
  return h(
    "div",
    { class: "field check", dataset: { path } },
    h("label", { for: id }, control, " ", label),
    help ? h("p", { class: "help" }, help) : null,
    h("p", { class: "error", hidden: true }),
  );
}

/** A choice for `object[key]`; `options`: `[value, label]` pairs or plain values. */
export function select({ object, key, options, label, help, path = key, required, onchange = () => {}, ...attributes }) {
  const control = h(
    "select",
    {
      ...attributes,
      value: object[key] === null || object[key] === undefined ? "" : String(object[key]),
      onchange: () => {
        const chosen = options.find((option) => String(Array.isArray(option) ? option[0] : option) === control.value);
        object[key] = Array.isArray(chosen) ? chosen[0] : chosen;
        onchange(object[key]);
      },
    },
    options.map((option) => {
      const [value, text] = Array.isArray(option) ? option : [option, option];
      return h("option", { value: String(value) }, text);
    }),
  );
  return labelled({ label, help, path, required }, control);
}

/** A form: `onsubmit` may be async and throw an ApiError, whose field errors are then shown in place. */
export function form(props, onsubmit, ...children) {
  const summary = h("div", { class: "form-error", role: "alert", hidden: true });
  const element = h(
    "form",
    {
      novalidate: true,
      ...props,
      onsubmit: async (event) => {
        event.preventDefault();
        const buttons = [...element.querySelectorAll("button[type=submit], button:not([type])")];
        buttons.forEach((button) => {
          button.disabled = true;
        });
        try {
          clearErrors(element, summary);
          await onsubmit(event);
        } catch (error) {
          showErrors(element, summary, error);
        } finally {
          buttons.forEach((button) => {
            button.disabled = false;
          });
        }
      },
    },
    summary,
    ...children,
  );
  element.showError = (error) => showErrors(element, summary, error);
  element.clearErrors = () => clearErrors(element, summary);
  return element;
}

function clearErrors(root, summary) {
  summary.hidden = true;
  for (const slot of root.querySelectorAll(".field > .error")) {
    slot.hidden = true;
    slot.textContent = "";
  }
  for (const control of root.querySelectorAll("[aria-invalid]")) {
    control.removeAttribute("aria-invalid");
  }
}

function showErrors(root, summary, error) {
  if (error.name === "AbortError") {
    return;
  }
  const unplaced = [];
  let first = null;
  for (const [path, message] of flatten(error.data || {})) {
    const field = fieldOf(root, path);
    if (!field) {
      unplaced.push(`${path}: ${message}`);
      continue;
    }
    const slot = field.querySelector(":scope > .error");
    slot.textContent = field.dataset.path === path ? message : `${path.slice(field.dataset.path.length + 1)}: ${message}`;
    slot.hidden = false;
    const control = field.querySelector("input, textarea, select");
    if (control) {
      control.setAttribute("aria-invalid", "true");
      first = first || control;
    }
  }
  summary.replaceChildren(
    h("p", null, error.message || String(error)),
    unplaced.length ? h("ul", null, ...unplaced.map((text) => h("li", null, text))) : "",
  );
  summary.hidden = false;
  if (first) {
    for (let parent = first.parentElement; parent && parent !== root; parent = parent.parentElement) {
      if (parent.tagName === "DETAILS") {
        parent.open = true;
      }
      if (parent.role === "tabpanel" && parent.hidden) {
        parent.dispatchEvent(new Event("reveal"));
      }
    }
    first.focus();
  } else {
    summary.scrollIntoView({ block: "nearest" });
  }
}

/** The field of the longest prefix of a dotted path. */
function fieldOf(root, path) {
  for (let prefix = path; prefix; prefix = prefix.slice(0, Math.max(prefix.lastIndexOf("."), 0))) {
    const field = root.querySelector(`.field[data-path="${CSS.escape(prefix)}"]`);
    if (field) {
      return field;
    }
  }
  return null;
}

function* flatten(tree, prefix = "") {
  for (const [key, value] of Object.entries(tree)) {
    const path = prefix ? `${prefix}.${key}` : key;
    if (value && typeof value === "object" && typeof value.code === "string" && typeof value.message === "string") {
      yield [path, value.message];
    } else if (value && typeof value === "object") {
      yield* flatten(value, path);
    }
  }
}

/** Tabs: `pages` of `{ label, content }`. A panel whose field has an error reveals itself. */
export function tabs(pages) {
  const shown = pages.filter(Boolean);
  const buttons = [];
  const panels = shown.map(({ label, content }, index) => {
    const id = uniqueId("tab");
    const button = h(
      "button",
      { type: "button", role: "tab", id, "aria-controls": `${id}-panel`, onclick: () => choose(index), onkeydown: (event) => move(event, index) },
      label,
    );
    buttons.push(button);
    const panel = h("div", { role: "tabpanel", id: `${id}-panel`, "aria-labelledby": id }, content);
    panel.role = "tabpanel";
    panel.addEventListener("reveal", () => choose(index));
    return panel;
  });
  function choose(index) {
    buttons.forEach((button, position) => {
      button.setAttribute("aria-selected", String(position === index));
      button.tabIndex = position === index ? 0 : -1;
      panels[position].hidden = position !== index;
    });
  }
  function move(event, index) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) {
      const next = (index + step + buttons.length) % buttons.length;
      choose(next);
      buttons[next].focus();
    }
  }
  choose(0);
  return h("div", { class: "tabs" }, h("div", { role: "tablist" }, buttons), panels);
}
