// The navigation bar around every page of a signed-in superuser.

import { get, session } from "./api.js";
import { h, icon, iconButton } from "./dom.js";
import { go } from "./router.js";
import { applyAccent, toggleTheme } from "./theme.js";

const links = [
  { path: "/collections", section: "collections", label: "Collections", icon: "database" },
  { path: "/logs", section: "logs", label: "Logs", icon: "log" },
  { path: "/settings", section: "settings", label: "Settings", icon: "settings" },
];

/** Adds a link for a page of an extension. */
export function addLink({ path, label }) {
  links.push({ path, section: path, label, icon: "file" });
}

/** The settings that the interface itself follows. */
export const appearance = { hideControls: false, appName: "pbhost", loaded: false };

export async function loadAppearance(force = false) {
  if (appearance.loaded && !force) {
    return;
  }
  const { meta } = await get("/api/settings", { fields: "meta" });
  Object.assign(appearance, { hideControls: meta.hideControls, appName: meta.appName, loaded: true });
  applyAccent(meta.accentColor);
}

/** The frame with a page in it. */
export function frame(section, content) {
  loadAppearance().catch(() => {
    // The page itself shows when the server cannot be asked; colours are not worth a message.
    appearance.loaded = false;
  });
  return h(
    "div",
    { class: "frame" },
    h(
      "nav",
      { class: "bar", "aria-label": "Main" },
      h("img", { src: new URL("../favicon.svg", import.meta.url).href, alt: "" }),
      links.map((link) =>
        h(
          "a",
          {
            href: `#${link.path}`,
            title: link.label,
            "aria-label": link.label,
            "aria-current": link.section === section ? "page" : null,
          },
          icon(link.icon),
        ),
      ),
      h("span", { class: "spacer" }),
      iconButton("theme", "Switch between light and dark", toggleTheme),
      iconButton("user", `Sign out ${session.record ? session.record.email : ""}`, () => {
        session.clear();
        go("/login");
      }),
    ),
    h("main", null, content),
  );
}
