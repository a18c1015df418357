// Creating and editing a collection: fields, rules, indexes, and the options of auth collections and views.

import { get, patch, path, post, remove } from "../api.js";
import { fill, h } from "../dom.js";
import { ask, openDrawer } from "../ui/dialog.js";
import { form, input, select, tabs, textarea } from "../ui/form.js";
import { failure, success } from "../ui/toast.js";
import { authOptions } from "./auth_options.js";
import { fieldList } from "./fields.js";
import { indexList } from "./indexes.js";
import { rules } from "./rules.js";

/** Opens a collection, null for a new one; `onchange(saved)` is called after it was saved, with null when it was deleted. */
export async function openCollection(stored, onchange) {
  let scaffolds = null;
  let draft;
  try {
    if (stored) {
      draft = await get(path("collections", stored.id));
    } else {
      scaffolds = await get("/api/collections/meta/scaffolds");
      draft = fresh(scaffolds, "base", "");
    }
  } catch (error) {
    failure(error);
    return;
  }
  let before = JSON.stringify(draft);
  const holder = h("div");
  const id = "collection-form";

  const save = async () => {
    const body = { ...draft };
    if (body.type === "view") {
      delete body.fields;
      delete body.indexes;
    }
    const saved = stored ? await patch(path("collections", stored.id), body) : await post("/api/collections", body);
    success(`The collection ${saved.name} was saved.`);
    drawer.close();
    onchange(saved);
  };
  const element = form({ id }, save, holder);
  const drawer = openDrawer({
    title: stored ? `Collection ${stored.name}` : "New collection",
    wide: true,
    content: element,
    isDirty: () => JSON.stringify(draft) !== before,
    footer: [
      stored && !stored.system ? h("button", { class: "danger", onclick: () => drop() }, "Delete collection") : null,
      stored && stored.type !== "view" ? h("button", { class: "danger", onclick: () => truncate() }, "Delete all records") : null,
      h("span", { class: "grow" }),
      h("button", { class: "primary", form: id }, stored ? "Save" : "Create"),
    ],
  });

  const show = () => {
    const isView = draft.type === "view";
    fill(
      holder,
      h(
        "div",
        { class: "columns" },
        input({ object: draft, key: "name", label: "Name", required: true, disabled: draft.system, autofocus: !stored, pattern: "\\w+" }),
        stored
          ? input({ object: { type: draft.type }, key: "type", label: "Type", disabled: true })
          : select({
              object: draft,
              key: "type",
              label: "Type",
              options: [
                ["base", "Base: records"],
                ["auth", "Auth: records that can sign in"],
                ["view", "View: the result of a query"],
              ],
              onchange: (type) => {
                draft = fresh(scaffolds, type, draft.name);
                before = JSON.stringify({ ...draft, name: "" });
                show();
              },
            }),
      ),
      tabs([
        isView
          ? { label: "Query", content: viewQuery(draft) }
          : { label: "Fields", content: fieldList(draft) },
        { label: "API rules", content: rules(draft) },
        draft.type === "auth" ? { label: "Sign-in", content: authOptions(draft) } : null,
        isView ? null : { label: "Indexes", content: indexList(draft) },
      ]),
    );
  };
  show();

  const drop = async () => {
    const question = `Delete the collection ${stored.name} with all its records? Type its name to confirm.`;
    if (!(await ask(question, { confirm: "Delete", danger: true, typed: stored.name }))) {
      return;
    }
    try {
      await remove(path("collections", stored.id));
      success(`The collection ${stored.name} was deleted.`);
      drawer.close();
      onchange(null);
    } catch (error) {
      element.showError(error);
    }
  };
  const truncate = async () => {
    const question = `Delete all records of ${stored.name}? Type its name to confirm.`;
    if (!(await ask(question, { confirm: "Delete all", danger: true, typed: stored.name }))) {
      return;
    }
    try {
      await remove(path("collections", stored.id, "truncate"));
      success(`All records of ${stored.name} were deleted.`);
      drawer.close();
      onchange(stored);
    } catch (error) {
      element.showError(error);
    }
  };
}

function fresh(scaffolds, type, name) {
  const draft = structuredClone(scaffolds[type]);
  delete draft.id;
  delete draft.created;
  delete draft.updated;
  draft.name = name;
  if (type !== "view") {
    // Not required by the server, but nearly everybody sorts by them sooner or later.
    for (const [field, onUpdate] of [["created", false], ["updated", true]]) {
      if (!draft.fields.some((item) => item.name === field)) {
        draft.fields.push({ name: field, type: "autodate", onCreate: true, onUpdate, system: false, hidden: false, presentable: false });
      }
    }
  }
  // Index names of the scaffold carry a placeholder of the table; the server makes the required ones itself.
  draft.indexes = [];
  return draft;
}

function viewQuery(draft) {
  const result = h("div");
  const run = async () => {
    try {
      const { fields, sample } = await post("/api/collections/meta/dry-run-view", { query: draft.viewQuery || "" });
      fill(
        result,
        h("p", null, "Fields: ", fields.map((field) => [h("span", { class: "badge" }, `${field.name}: ${field.type}`), " "])),
        h("pre", null, JSON.stringify(sample, null, 2)),
      );
    } catch (error) {
      fill(result, h("p", { class: "danger-text", role: "alert" }, error.message));
    }
  };
  return [
    textarea({
      object: draft,
      key: "viewQuery",
      label: "SELECT query",
      class: "code",
      rows: "8",
      required: true,
      help: "Needs a column id. Name the columns one by one; * is not supported. (ROW_NUMBER() OVER()) as id makes one.",
    }),
    h("button", { type: "button", onclick: run }, "Try the query"),
    h("p"),
    result,
  ];
}
