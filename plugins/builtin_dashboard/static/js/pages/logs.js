// The log: totals per hour, a filtered list, one entry in full.

import { get } from "../api.js";
import { debounce, fill, h, iconButton } from "../dom.js";
import { setQuery } from "../router.js";
import { openDrawer } from "../ui/dialog.js";
import { failure } from "../ui/toast.js";
import { formatDate, plural, quote } from "../text.js";

const LEVELS = { "-4": ["DEBUG", ""], 0: ["INFO", ""], 4: ["WARN", "warn"], 8: ["ERROR", "error"] };
const PER_PAGE = 50;

export function logsPage({ query, signal }) {
  const state = { search: query.get("filter") || "", onlyErrors: query.get("errors") === "1", page: 1 };
  const chart = h("div", { class: "card" });
  const list = h("div");
  const more = h("div", { class: "below" });
  const rows = h("tbody");

  const filter = () => {
    const parts = [];
    const text = state.search.trim();
    if (text) {
      parts.push(/[=~<>]/.test(text) ? `(${text})` : `(message ~ ${quote(text)} || data ~ ${quote(text)})`);
    }
    if (state.onlyErrors) {
      parts.push("level > 0");
    }
    return parts.join(" && ");
  };

  const load = async (page) => {
    state.page = page;
    const found = await get("/api/logs", { page, perPage: PER_PAGE, sort: "-created", filter: filter(), skipTotal: 1 }, signal);
    if (page === 1) {
      rows.replaceChildren();
    }
    rows.append(...found.items.map(row));
    fill(
      list,
      rows.children.length
        ? h("div", { class: "table-wrap" }, h("table", null, head(), rows))
        : h("p", { class: "empty" }, "No entries. Requests appear here a few seconds after they were served."),
    );
    fill(more, found.items.length === PER_PAGE ? h("button", { onclick: () => load(page + 1).catch(failure) }, "Load older entries") : null);
  };

  const problem = h("p", { class: "form-error", role: "alert", hidden: true });
  const update = async () => {
    setQuery({ filter: state.search, errors: state.onlyErrors ? "1" : "" });
    const [totals] = await Promise.all([get("/api/logs/stats", { filter: filter() }, signal), load(1)]);
    fill(chart, ...drawChart(totals));
  };
  const refresh = async () => {
    try {
      await update();
      problem.hidden = true;
    } catch (error) {
      const isFilter = error.status === 400 && state.search;
      problem.hidden = !isFilter;
      problem.textContent = isFilter ? "The filter is not valid: check its fields, quotes and parentheses." : "";
      if (!isFilter) {
        failure(error);
      }
    }
  };
  const search = debounce(refresh, 350);

  refresh();
  return h(
    "div",
    { class: "page" },
    h("header", null, h("h1", null, "Logs"), iconButton("refresh", "Refresh", refresh)),
    h(
      "div",
      { class: "toolbar" },
      h("input", {
        type: "search",
        class: "grow",
        "aria-label": "Search or filter",
        placeholder: 'Search, or filter like: level > 0 && data.auth = "users"',
        value: state.search,
        oninput: (event) => {
          state.search = event.target.value;
          search();
        },
      }),
      h(
        "label",
        { class: "row" },
        h("input", {
          type: "checkbox",
          checked: state.onlyErrors,
          onchange: (event) => {
            state.onlyErrors = event.target.checked;
            refresh();
          },
        }),
        "Only problems",
      ),
    ),
    problem,
    chart,
    list,
    more,
  );
}

function head() {
  return h("thead", null, h("tr", null, ["Level", "Message", "Status", "Time", "Created"].map((name) => h("th", { scope: "col" }, name))));
}

function row(entry) {
  const [label, kind] = LEVELS[entry.level] || [String(entry.level), ""];
  const open = () => show(entry, label, kind);
  return h(
    "tr",
    { class: "clickable", onclick: open },
    h("td", null, h("span", { class: `badge ${kind}` }, label)),
    h("td", null, h("button", { class: "link", onclick: open }, entry.message || "(no message)")),
    h("td", null, entry.data.status ? String(entry.data.status) : ""),
    h("td", null, entry.data.execTime === undefined ? "" : `${Number(entry.data.execTime).toFixed(1)} ms`),
    h("td", null, formatDate(entry.created)),
  );
}

function show(entry, label, kind) {
  if (document.querySelector("dialog[open]")) {
    return;
  }
  openDrawer({
    title: "Log entry",
    content: [
      h("p", { class: "row" }, h("span", { class: `badge ${kind}` }, label), formatDate(entry.created)),
      h("h3", null, entry.message),
      h("p"),
      h("pre", null, JSON.stringify(entry.data, null, 2)),
    ],
  });
}

function drawChart(totals) {
  const shown = totals.slice(-72);
  const highest = Math.max(1, ...shown.map((item) => item.total));
  const sum = shown.reduce((all, item) => all + item.total, 0);
  const SVG = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "chart");
  svg.setAttribute("viewBox", `0 0 ${Math.max(shown.length, 12) * 10} 100`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${plural(sum, "entry", "entries")} in ${plural(shown.length, "hour")} with entries, at most ${highest} in one`);
  shown.forEach((item, index) => {
    const height = Math.max(2, (item.total / highest) * 96);
    const bar = document.createElementNS(SVG, "rect");
    Object.entries({ x: index * 10 + 1, y: 100 - height, width: 8, height }).forEach(([key, value]) => bar.setAttribute(key, value));
    const title = document.createElementNS(SVG, "title");
    title.textContent = `${formatDate(item.date)}: ${item.total}`;
    bar.append(title);
    svg.append(bar);
  });
  return [h("p", { class: "muted" }, `${plural(sum, "entry", "entries")} in the last ${plural(shown.length, "hour")} that had any`), svg];
}
