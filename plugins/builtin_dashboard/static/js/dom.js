// Building the page: elements from plain calls. Text is always text; nothing here parses markup.

/**
 * h("button", { class: "primary", onclick: save }, "Save")
 * Properties: `class`, `dataset`, `on*` handlers, booleans as present/absent attributes, the rest as attributes
 * (`value`, `checked`, `selected`, `indeterminate` as properties). Children: nodes, texts, lists; null and false are skipped.
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) {
      continue;
    }
    if (key.startsWith("on")) {
      element.addEventListener(key.slice(2), value);
    } else if (key === "class") {
      element.className = value;
    } else if (key === "dataset") {
      Object.assign(element.dataset, value);
    } else if (key === "checked" || key === "selected" || key === "indeterminate") {
      element[key] = value;
    } else if (key !== "value") {
      element.setAttribute(key, value === true ? "" : value);
    }
  }
  append(element, children);
  // After the children: a select takes a value only once it has its options.
  if (props && props.value !== undefined && props.value !== null) {
    element.value = props.value;
  }
  return element;
}

function append(element, children) {
  for (const child of children) {
    if (Array.isArray(child)) {
      append(element, child);
    } else if (child !== null && child !== undefined && child !== false) {
      element.append(child);
    }
  }
}

/** Replaces all children of an element. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

const ICONS = {
  add: "M8 3v10M3 8h10",
  back: "M10 3 5 8l5 5",
  check: "M3 8.5 6.5 12 13 4.5",
  close: "M4 4l8 8M12 4l-8 8",
  copy: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z",
  database: "M3 4c0-2.4 10-2.4 10 0v8c0 2.4-10 2.4-10 0zM3 4c0 2.4 10 2.4 10 0M3 8c0 2.4 10 2.4 10 0",
  delete: "M3 4.5h10M6 4.5v-2h4v2M4.5 4.5l.6 9h5.8l.6-9M6.8 7v4M9.2 7v4",
  down: "M3.5 6 8 10.5 12.5 6",
  download: "M8 2v8M4.5 7 8 10.5 11.5 7M3 13.5h10",
  eye: "M1.5 8c3-5.3 10-5.3 13 0-3 5.3-10 5.3-13 0zM8 6.2a1.8 1.8 0 1 0 .01 0",
  file: "M4 1.5h5l3.5 3.5v9.5h-8.5zM9 1.5v3.5h3.5",
  lock: "M3.5 7.5h9v6.5h-9zM5.5 7.5v-2.5a2.5 2.5 0 0 1 5 0v2.5",
  log: "M2.5 3.5h11M2.5 6.5h8M2.5 9.5h11M2.5 12.5h6",
  menu: "M2 4h12M2 8h12M2 12h12",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  refresh: "M13 8a5 5 0 1 1-1.5-3.6M13 2.5v3h-3",
  search: "M7 2.5a4.5 4.5 0 1 0 .01 0M10.5 10.5l3 3",
  settings: "M2 4.5h7M12 4.5h2M2 11.5h2M7 11.5h7M9 4.5a1.5 1.5 0 1 0 3 0a1.5 1.5 0 1 0-3 0M4 11.5a1.5 1.5 0 1 0 3 0a1.5 1.5 0 1 0-3 0",
  theme: "M8 2.5a5.5 5.5 0 1 0 .01 0M8 2.5v11",
  up: "M3.5 10 8 5.5l4.5 4.5",
  user: "M8 2a3 3 0 1 0 .01 0M2.5 14c.5-6 10.5-6 11 0",
  view: "M2 3h12v10h-12zM2 6.5h12M6.5 6.5v6.5",
};

/** A decorative line icon; the control that holds it carries the name. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A button that shows only an icon; `label` is its accessible name and tooltip. */
export function iconButton(name, label, onclick, props) {
  return h("button", { type: "button", class: "icon-button", title: label, "aria-label": label, onclick, ...props }, icon(name));
}

let counter = 0;

/** An id for connecting a label or a description with its control. */
export function uniqueId(prefix) {
  counter += 1;
  return `${prefix}-${counter}`;
}

/** Calls `callback` once the calls have stopped for `delay` milliseconds. */
export function debounce(callback, delay) {
  let timer = 0;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => callback(...args), delay);
  };
}
