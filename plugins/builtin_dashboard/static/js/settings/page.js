// The settings, a section at a time.

import { h } from "../dom.js";
import { applicationSettings, batchSettings, limitSettings, logSettings, mailSettings, storageSettings } from "./sections.js";
import { backups } from "./backups.js";
import { crons, plugins, sqlConsole } from "./tools.js";
import { transfer } from "./transfer.js";

const SECTIONS = [
  ["application", "Application", applicationSettings],
  ["mail", "Mail", mailSettings],
  ["storage", "File storage", storageSettings],
  ["limits", "Access and limits", limitSettings],
  ["batch", "Batch requests", batchSettings],
  ["logs", "Logs", logSettings],
  ["backups", "Backups", backups],
  ["crons", "Cron jobs", crons],
  ["transfer", "Export and import", transfer],
  ["sql", "SQL console", sqlConsole],
  ["plugins", "Plugins", plugins],
];

export async function settingsPage({ params, signal }) {
  const [name, title, page] = SECTIONS.find(([key]) => key === params.section) || SECTIONS[0];
  return h(
    "div",
    { class: "split" },
    h(
      "aside",
      { class: "side", "aria-label": "Settings" },
      h(
        "ul",
        null,
        SECTIONS.map(([key, label]) => h("li", null, h("a", { href: `#/settings/${key}`, "aria-current": key === name ? "page" : null }, label))),
      ),
    ),
    h("div", { class: "page narrow" }, h("header", null, h("h1", null, title)), await page({ signal })),
  );
}
