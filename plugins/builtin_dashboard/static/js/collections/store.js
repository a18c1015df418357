// The collections, loaded once and again after each change.

import { get } from "../api.js";

export const collections = {
  all: [],
  loaded: false,

  async load(force = false) {
    if (!this.loaded || force) {
      const items = [];
      for (let page = 1; ; page += 1) {
        const found = await get("/api/collections", { page, perPage: 500, sort: "name" });
        items.push(...found.items);
        if (page >= found.totalPages) {
          break;
        }
      }
      this.all = items.sort((a, b) => Number(a.system) - Number(b.system) || a.name.localeCompare(b.name));
      this.loaded = true;
    }
    return this.all;
  },

  find(nameOrId) {
    return this.all.find((item) => item.id === nameOrId || item.name === nameOrId);
  },
};

/** The field that names a record best: presentable ones first, then the usual names. */
export function presentableFields(collection) {
  const chosen = collection.fields.filter((field) => field.presentable && !field.hidden);
  if (chosen.length) {
    return chosen;
  }
  const usual = ["title", "name", "username", "email", "label", "subject", "slug"];
  const found = usual.map((name) => collection.fields.find((field) => field.name === name)).find(Boolean);
  return found ? [found] : [];
}

/** One line for a record. */
export function recordLabel(collection, record) {
  const parts = presentableFields(collection)
    .map((field) => record[field.name])
    .filter((value) => value !== "" && value !== null && value !== undefined)
    .map((value) => (typeof value === "object" ? JSON.stringify(value) : String(value)));
  return parts.length ? parts.join(" · ") : record.id;
}
