// The collections at the side, the records of one of them in a table.

import { get, path, remove } from "../api.js";
import { collections } from "../collections/store.js";
import { debounce, fill, h, icon, iconButton } from "../dom.js";
import { appearance, loadAppearance } from "../frame.js";
import { go, setQuery } from "../router.js";
import { plural, quote } from "../text.js";
import { ask } from "../ui/dialog.js";
import { failure, success } from "../ui/toast.js";
import { recordTable } from "./table.js";

const ICONS = { auth: "user", view: "view" };
const PER_PAGE = 40;

export async function recordsPage({ query, signal }) {
  await Promise.all([collections.load(), loadAppearance()]);
  const wanted = query.get("collection");
  const current = collections.find(wanted) || collections.find(localStorage.getItem("pbhost_collection")) || collections.all.find((item) => !item.system) || collections.all[0];
  if (current) {
    localStorage.setItem("pbhost_collection", current.id);
  }
  return h(
    "div",
    { class: "split" },
    side(current),
    current
      ? recordsOf(current, query, signal)
      : h("div", { class: "page" }, h("p", { class: "empty" }, "There are no collections yet.")),
  );
}

function side(current) {
  const lists = h("div", { class: "stack" });
  const show = (text) => {
    const matching = collections.all.filter((item) => item.name.toLowerCase().includes(text.toLowerCase()));
    fill(lists, group("Collections", matching.filter((item) => !item.system), current), group("System", matching.filter((item) => item.system), current));
  };
  show("");
  return h(
    "aside",
    { class: "side", "aria-label": "Collections" },
    h("input", { type: "search", placeholder: "Find a collection", "aria-label": "Find a collection", oninput: (event) => show(event.target.value) }),
    appearance.hideControls ? null : h("button", { onclick: () => openEditor(null) }, icon("add"), "New collection"),
    lists,
  );
}

function group(title, items, current) {
  return items.length
    ? h(
        "section",
        null,
        h("h2", null, title),
        h(
          "ul",
          null,
          items.map((item) =>
            h(
              "li",
              null,
              h(
                "a",
                { href: `#/collections?collection=${encodeURIComponent(item.name)}`, "aria-current": current && item.id === current.id ? "page" : null },
                icon(ICONS[item.type] || "database"),
                item.name,
              ),
            ),
          ),
        ),
      )
    : null;
}

async function openEditor(collection) {
  const { openCollection } = await import("../collections/editor.js");
  openCollection(collection, (saved) => {
    const target = saved ? `/collections?collection=${encodeURIComponent(saved.name)}` : "/collections";
    collections
      .load(true)
      .then(() => {
        if (window.location.hash === `#${target}`) {
          window.dispatchEvent(new Event("hashchange"));
        } else {
          go(target);
        }
      })
      .catch(failure);
  });
}

function recordsOf(collection, query, signal) {
  const isView = collection.type === "view";
  const state = {
    page: Math.max(1, Number(query.get("page")) || 1),
    sort: query.get("sort") || (isView ? "" : "-@rowid"),
    filter: query.get("filter") || "",
    selected: new Set(),
  };
  const table = h("div");
  const below = h("div", { class: "below" });
  const selection = h("div", { class: "selection", hidden: true });

  const load = async () => {
    setQuery({ collection: collection.name, page: state.page > 1 ? state.page : "", filter: state.filter, sort: state.sort === "-@rowid" ? "" : state.sort });
    const found = await get(
      path("collections", collection.id, "records"),
      { page: state.page, perPage: PER_PAGE, sort: state.sort, filter: filterOf(collection, state.filter) },
      signal,
    );
    state.selected.clear();
    showSelection();
    fill(table, recordTable(collection, found.items, state, { onsort, onselect: showSelection, onopen: openRecord }));
    fill(below, h("span", null, plural(found.totalItems, "record")), pager(found));
  };
  const problem = h("p", { class: "form-error", role: "alert", hidden: true });
  const refresh = async () => {
    try {
      await load();
      problem.hidden = true;
    } catch (error) {
      const isFilter = error.status === 400 && state.filter;
      problem.hidden = !isFilter;
      problem.textContent = isFilter ? "The filter is not valid: check its fields, quotes and parentheses." : "";
      if (!isFilter) {
        failure(error);
      }
    }
  };
  const onsort = (sort) => {
    Object.assign(state, { sort, page: 1 });
    refresh();
  };
  const pager = (found) =>
    h(
      "span",
      { class: "row" },
      h("button", { class: "small", disabled: state.page <= 1, onclick: () => turn(-1) }, "Previous"),
      `Page ${found.page} of ${Math.max(1, found.totalPages)}`,
      h("button", { class: "small", disabled: state.page >= found.totalPages, onclick: () => turn(1) }, "Next"),
    );
  const turn = (step) => {
    state.page += step;
    refresh();
  };
  const openRecord = async (record) => {
    const { openRecordDrawer } = await import("./drawer.js");
    openRecordDrawer(collection, record, refresh);
  };
  const showSelection = () => {
    const count = state.selected.size;
    selection.hidden = count === 0;
    fill(
      selection,
      h("span", null, `${plural(count, "record")} selected`),
      h("button", { class: "danger small", onclick: deleteSelected }, "Delete"),
    );
  };
  const deleteSelected = async () => {
    const ids = [...state.selected];
    if (!(await ask(`Delete ${plural(ids.length, "record")}? This cannot be undone.`, { confirm: "Delete", danger: true }))) {
      return;
    }
    let deleted = 0;
    try {
      for (const id of ids) {
        await remove(path("collections", collection.id, "records", id));
        deleted += 1;
      }
      success(`Deleted ${plural(deleted, "record")}.`);
    } catch (error) {
      failure(error);
    }
    refresh();
  };
  const search = debounce((text) => {
    Object.assign(state, { filter: text, page: 1 });
    refresh();
  }, 350);

  refresh();
  return h(
    "div",
    { class: "page" },
    h(
      "header",
      null,
      h("h1", null, collection.name),
      appearance.hideControls ? null : iconButton("settings", `Edit the collection ${collection.name}`, () => openEditor(collection)),
      iconButton("refresh", "Refresh", refresh),
      h("span", { class: "grow" }),
      isView ? null : h("button", { class: "primary", onclick: () => openRecord(null) }, icon("add"), "New record"),
    ),
    h(
      "div",
      { class: "toolbar" },
      h("input", {
        type: "search",
        class: "grow",
        value: state.filter,
        "aria-label": "Search or filter the records",
        placeholder: 'Search, or filter like: created > "2024-01-01" && name ~ "go"',
        oninput: (event) => search(event.target.value),
      }),
    ),
    problem,
    table,
    below,
    selection,
  );
}

/** A filter as typed, or a search through the fields that hold text. */
function filterOf(collection, text) {
  const trimmed = text.trim();
  if (!trimmed || /[=<>~]/.test(trimmed)) {
    return trimmed;
  }
  const searchable = collection.fields.filter(
    (field) => !["password", "autodate", "bool", "geoPoint"].includes(field.type) && field.name !== "tokenKey",
  );
  return searchable.map((field) => `${field.name} ~ ${quote(trimmed)}`).join(" || ");
}
