// Short messages at the edge of the screen, announced to screen readers.

import { h, iconButton } from "../dom.js";

const region = h("div", { class: "toasts", role: "status", "aria-live": "polite" });

function show(kind, text) {
  document.body.append(region);
  // A modal dialog lies above everything else, except what is in the top layer itself.
  if (region.showPopover) {
    region.setAttribute("popover", "manual");
    if (region.matches(":popover-open")) {
      region.hidePopover();
    }
    region.showPopover();
  }
  const toast = h("div", { class: `toast ${kind}` }, h("span", null, text), iconButton("close", "Dismiss", () => toast.remove()));
  region.append(toast);
  setTimeout(() => toast.remove(), kind === "error" ? 8000 : 4000);
}

export const success = (text) => show("success", text);
export const info = (text) => show("info", text);

/** Shows a failed request, or any other error. Aborted requests are silent. */
export function failure(error) {
  if (error && error.name === "AbortError") {
    return;
  }
  show("error", error && error.message ? error.message : String(error));
}
