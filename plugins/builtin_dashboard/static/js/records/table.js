// The table of records: sortable heads, selectable rows, one cell per field.

import { fileUrl } from "../api.js";
import { h, icon } from "../dom.js";
import { formatDate, shorten } from "../text.js";

/**
 * `state`: `{ sort, selected }`; `on`: `{ onsort(sort), onselect(), onopen(record) }`.
 */
export function recordTable(collection, records, state, on) {
  const fields = collection.fields.filter((field) => field.type !== "password" && !(field.hidden && field.system));
  if (!records.length) {
    return h("p", { class: "empty" }, "No records here.");
  }
  const boxes = [];
  const all = h("input", {
    type: "checkbox",
    "aria-label": "Select all records of this page",
    onchange: () => {
      boxes.forEach(([record, box]) => {
        box.checked = all.checked;
        mark(record, all.checked);
      });
      on.onselect();
    },
  });
  const mark = (record, isOn) => (isOn ? state.selected.add(record.id) : state.selected.delete(record.id));
  const canSelect = collection.type !== "view";
  return h(
    "div",
    { class: "table-wrap" },
    h(
      "table",
      null,
      h("thead", null, h("tr", null, canSelect ? h("th", { class: "check", scope: "col" }, all) : null, fields.map((field) => head(field, state, on)))),
      h(
        "tbody",
        null,
        records.map((record) => {
          const box = h("input", {
            type: "checkbox",
            "aria-label": `Select record ${record.id}`,
            onchange: () => {
              mark(record, box.checked);
              all.checked = boxes.every(([, other]) => other.checked);
              on.onselect();
            },
          });
          boxes.push([record, box]);
          return h(
            "tr",
            { class: "clickable", onclick: () => on.onopen(record) },
            canSelect ? h("td", { class: "check", onclick: (event) => event.stopPropagation() }, box) : null,
            fields.map((field) =>
              h("td", null, field.name === "id" ? h("button", { class: "link mono", onclick: (event) => { event.stopPropagation(); on.onopen(record); } }, record.id) : cell(field, record)),
            ),
          );
        }),
      ),
    ),
  );
}

function head(field, state, on) {
  if (["json", "file", "geoPoint"].includes(field.type)) {
    return h("th", { scope: "col" }, field.name);
  }
  const direction = state.sort === field.name ? "ascending" : state.sort === `-${field.name}` ? "descending" : null;
  return h(
    "th",
    { scope: "col", "aria-sort": direction },
    h(
      "button",
      { title: `Sort by ${field.name}`, onclick: () => on.onsort(direction === "descending" ? field.name : `-${field.name}`) },
      field.name,
      direction ? icon(direction === "ascending" ? "up" : "down") : null,
    ),
  );
}

const IMAGE = /\.(png|jpe?g|gif|webp|svg|avif)$/i;

function cell(field, record) {
  const value = record[field.name];
  if (value === undefined || value === null || value === "" || (Array.isArray(value) && !value.length)) {
    return h("span", { class: "muted" }, "–");
  }
  switch (field.type) {
    case "bool":
      return value ? "true" : "false";
    case "date":
    case "autodate":
      return formatDate(value);
    case "file":
      return [value].flat().map((name) => fileCell(record, name, field));
    case "select":
    case "relation":
      return [value].flat().slice(0, 4).map((item) => [h("span", { class: "badge" }, shorten(item, 30)), " "]);
    case "json":
      return h("code", null, shorten(JSON.stringify(value), 80));
    case "geoPoint":
      return `${value.lon}, ${value.lat}`;
    case "editor":
      return shorten(new DOMParser().parseFromString(value, "text/html").body.textContent.trim(), 80);
    default:
      return shorten(String(value), 80);
  }
}

function fileCell(record, name, field) {
  if (IMAGE.test(name) && !field.protected) {
    return h("img", { class: "thumb", loading: "lazy", alt: name, title: name, src: fileUrl(record, name, { thumb: "100x100" }) });
  }
  return [h("span", { class: "badge", title: name }, shorten(name, 30)), " "];
}
