// What pages outside of the frame have in common.

import { h } from "../dom.js";

export function brand() {
  return h("p", { class: "brand" }, h("img", { src: new URL("../../favicon.svg", import.meta.url).href, alt: "" }), "pbhost");
}

/** The end of a task in a window of its own. */
export function outcome(kind, title, text) {
  return [brand(), h("h1", null, title), h("p", { role: "status", class: kind === "failure" ? "danger-text" : null }, text)];
}
