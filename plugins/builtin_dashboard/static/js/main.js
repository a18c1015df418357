// Start: theme, session, routes, the frame around pages, extensions of plugins.

import { refreshSession, session } from "./api.js";
import { fill, h } from "./dom.js";
import { frame } from "./frame.js";
import { expose } from "./extend.js";
import { confirmEmailChange, confirmPasswordReset, confirmVerification, oauth2Outcome } from "./pages/confirm.js";
import { install } from "./pages/install.js";
import { requestPasswordReset, signInPage } from "./pages/sign_in.js";
import { recordsPage } from "./records/page.js";
import { logsPage } from "./pages/logs.js";
import { settingsPage } from "./settings/page.js";
import { go, location, reload, route, start } from "./router.js";
import { applyTheme } from "./theme.js";
import { failure } from "./ui/toast.js";

const app = document.getElementById("app");

route("/pbinstall/{token...}", install, { public: true });
route("/login", signInPage, { public: true, guest: true });
route("/request-password-reset", requestPasswordReset, { public: true });
route("/auth/confirm-verification/{token...}", confirmVerification, { public: true });
route("/auth/confirm-password-reset/{token...}", confirmPasswordReset, { public: true });
route("/auth/confirm-email-change/{token...}", confirmEmailChange, { public: true });
route("/auth/oauth2-redirect-success", () => oauth2Outcome(true), { public: true });
route("/auth/oauth2-redirect-failure", () => oauth2Outcome(false), { public: true });
route("/collections", recordsPage, { section: "collections" });
route("/logs", logsPage, { section: "logs" });
route("/settings", settingsPage, { section: "settings" });
route("/settings/{section}", settingsPage, { section: "settings" });

/** Shows a page: the frame at once, the page when it is there, and what went wrong if it does not come. */
async function render(page, options, signal) {
  const holder = options.public ? h("main") : h("div", { class: "content" });
  const waiting = setTimeout(() => fill(holder, h("div", { class: "spinner", role: "status" }, "Loading…")), 150);
  fill(app, options.public ? h("div", { class: "plain" }, holder) : frame(options.section, holder));
  try {
    const node = await page();
    if (!signal.aborted) {
      fill(holder, node);
      focusHeading(holder);
    }
  } catch (error) {
    if (!signal.aborted && error.name !== "AbortError") {
      fill(holder, h("div", { class: "page" }, h("div", { class: "form-error", role: "alert" }, error.message), h("button", { onclick: reload }, "Try again")));
      failure(error);
    }
  } finally {
    clearTimeout(waiting);
  }
}

/** Tells people who do not see the screen where they are. */
function focusHeading(holder) {
  const heading = holder.querySelector("h1");
  document.title = heading ? `${heading.textContent} · pbhost` : "pbhost";
  if (heading && !holder.contains(document.activeElement)) {
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  }
}

function guard(options) {
  if (options.public) {
    return options.guest && session.token ? "/collections" : "";
  }
  if (session.token) {
    return "";
  }
  const { path, query } = location();
  const search = query.toString();
  const wanted = search ? `${path}?${search}` : path;
  return wanted === "/collections" ? "/login" : `/login?next=${encodeURIComponent(wanted)}`;
}

window.addEventListener("signed-out", () => {
  if (!location().path.startsWith("/login")) {
    go("/login");
  }
});

async function begin() {
  applyTheme();
  session.load();
  if (session.token) {
    try {
      await refreshSession();
    } catch (error) {
      // A session that the server no longer knows is over; a server that is away is told by the page.
      if (error.status) {
        session.clear();
      }
    }
  }
  expose();
  try {
    await import("/_/extensions.js");
  } catch (error) {
    failure(new Error(`A dashboard extension failed: ${error.message}`));
  }
  start(render, guard);
}

begin();
