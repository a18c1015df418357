// A line that opens, with buttons beside it: they are not part of what opens it, or screen readers could not reach them.

import { h } from "../dom.js";

/** `summary`: nodes of the line; `actions`: buttons; `inner`: what it opens to; `props`: of the details element. */
export function item({ summary, actions = [], inner, props = {} }) {
  const shown = actions.filter(Boolean);
  const details = h("details", { class: "item", ...props }, h("summary", null, summary), h("div", { class: "inner" }, inner));
  return h("div", { class: `item-line actions-${shown.length}` }, details, shown.length ? h("div", { class: "item-actions" }, shown) : null);
}
