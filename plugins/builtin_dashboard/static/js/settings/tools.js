// Cron jobs, the SQL console, and what is plugged in.

import { get, path, post } from "../api.js";
import { fill, h } from "../dom.js";
import { plural, shorten } from "../text.js";
import { form, textarea } from "../ui/form.js";
import { item } from "../ui/item.js";
import { failure, success } from "../ui/toast.js";

export async function crons({ signal }) {
  const jobs = await get("/api/crons", {}, signal);
  const run = async (id) => {
    try {
      await post(path("crons", id));
      success(`The job ${id} was started.`);
    } catch (error) {
      failure(error);
    }
  };
  return grid(
    ["Job", "Schedule (UTC)", "Action"],
    jobs.map(({ id, expression }) => [id, h("code", null, expression), h("button", { class: "small", onclick: () => run(id) }, "Run now")]),
  );
}

export function sqlConsole() {
  const values = { query: "" };
  const result = h("div");
  const element = form(
    { class: "card" },
    async () => {
      const { execTime, affectedRows, columns, rows } = await post("/api/sql", values);
      fill(
        result,
        h("p", { role: "status" }, `${execTime} ms · ${columns.length ? plural(rows.length, "row") : `${plural(affectedRows, "row")} changed`}`),
        columns.length
          ? grid(
              columns.map(({ name, type }) => (type ? `${name} (${type})` : name)),
              rows.map((row) => row.map((value) => (value === null ? h("span", { class: "muted" }, "NULL") : shorten(value, 200)))),
            )
          : null,
      );
    },
    h("p", { class: "notice" }, "Statements run as they are: without rules, hooks and live updates. Changes of collections made here are seen after a restart."),
    textarea({
      object: values,
      key: "query",
      label: "SQL",
      class: "code",
      rows: "6",
      onkeydown: (event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
          element.requestSubmit();
        }
      },
    }),
    h("div", { class: "actions" }, h("button", { class: "primary", title: "Ctrl+Enter" }, "Run")),
  );
  return [element, result];
}

export async function plugins({ signal }) {
  const found = await get("/api/plugins", {}, signal);
  const items = Array.isArray(found) ? found : found.items || found.plugins || [];
  return items.map((plugin) => {
    const hooks = plugin.hooks || [];
    return item({
      summary: [
        h("strong", { class: "grow" }, plugin.name),
        h("span", { class: "muted" }, plugin.version || ""),
        h("span", { class: "badge" }, plugin.source || ""),
      ],
      inner: [
        plugin.description ? h("p", null, plugin.description) : null,
        plugin.services && plugin.services.length ? h("p", null, "Provides: ", plugin.services.join(", ")) : null,
        hooks.length
          ? grid(
              ["Hook", "Order", "Calls", "Time"],
              hooks.map(({ hook, order, calls, seconds }) => [
                hook,
                String(order),
                calls === undefined ? "" : String(calls),
                seconds === undefined ? "" : `${(seconds * 1000).toFixed(1)} ms`,
              ]),
            )
          : null,
      ],
    });
  });
}

function grid(heads, rows) {
  return h(
    "div",
    { class: "table-wrap" },
    h(
      "table",
      null,
      h("thead", null, h("tr", null, heads.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", null, rows.map((cells) => h("tr", null, cells.map((value) => h("td", null, value))))),
    ),
  );
}
