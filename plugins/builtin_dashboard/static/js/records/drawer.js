// Creating and editing one record.

import { get, patch, path, post, remove } from "../api.js";
import { h } from "../dom.js";
import { ask, openDrawer } from "../ui/dialog.js";
import { form } from "../ui/form.js";
import { failure, success } from "../ui/toast.js";
import { recordInput } from "./inputs.js";

/** Opens a record; null opens a new one. `onchange()` is called after it was saved or deleted. */
export async function openRecordDrawer(collection, listed, onchange) {
  let record = listed;
  if (listed) {
    try {
      record = await get(path("collections", collection.id, "records", listed.id));
    } catch (error) {
      failure(error);
      return;
    }
  }
  const isNew = !record;
  const isView = collection.type === "view";
  const draft = isNew ? defaults(collection) : structuredClone(record);
  const uploads = new Map();
  const removals = new Map();
  if (collection.type === "auth") {
    Object.assign(draft, { password: "", passwordConfirm: "" });
  }
  const before = snapshot(draft);
  const isDirty = () => !isView && (snapshot(draft) !== before || [...uploads.values(), ...removals.values()].some((items) => items.length));

  const save = async () => {
    const body = changedValues(collection, draft, isNew ? null : record);
    const sent = withFiles(body, uploads, removals, collection);
    const url = path("collections", collection.id, "records");
    if (isNew) {
      await post(url, sent);
    } else {
      await patch(`${url}/${encodeURIComponent(record.id)}`, sent);
    }
    success(isNew ? "The record was created." : "The record was saved.");
    drawer.close();
    onchange();
  };
  const id = "record-form";
  const element = form(
    { id },
    save,
    collection.fields.map((field) => recordInput(field, { collection, draft, record, isNew, isView, uploads, removals })),
  );
  const drawer = openDrawer({
    title: isNew ? `New record in ${collection.name}` : `${collection.name} ${record.id}`,
    content: element,
    isDirty,
    footer: isView
      ? null
      : [
          isNew ? null : h("button", { class: "danger", onclick: () => deleteRecord() }, "Delete"),
          h("span", { class: "grow" }),
          h("button", { class: "primary", form: id }, isNew ? "Create" : "Save"),
        ],
  });
  const deleteRecord = async () => {
    if (!(await ask(`Delete the record ${record.id}? This cannot be undone.`, { confirm: "Delete", danger: true }))) {
      return;
    }
    try {
      await remove(path("collections", collection.id, "records", record.id));
      success("The record was deleted.");
      drawer.close();
      onchange();
    } catch (error) {
      element.showError(error);
    }
  };
}

function snapshot(draft) {
  return JSON.stringify(draft);
}

function isMultiple(field) {
  return field.maxSelect > 1;
}

function defaults(collection) {
  const draft = {};
  for (const field of collection.fields) {
    draft[field.name] = { bool: false, number: 0, json: null, geoPoint: { lon: 0, lat: 0 } }[field.type] ?? "";
    if (["select", "relation", "file"].includes(field.type) && isMultiple(field)) {
      draft[field.name] = [];
    }
  }
  return draft;
}

/** What is sent: of a stored record only what was changed, so that two people at different fields do not collide. */
function changedValues(collection, draft, record) {
  const body = {};
  for (const field of collection.fields) {
    const value = draft[field.name];
    if (field.type === "autodate" || field.type === "file") {
      continue;
    }
    if (field.type === "password") {
      if (value) {
        body[field.name] = value;
        if (collection.type === "auth" && field.name === "password") {
          body.passwordConfirm = draft.passwordConfirm;
        }
      }
      continue;
    }
    if (record ? JSON.stringify(value) !== JSON.stringify(record[field.name]) : value !== "") {
      body[field.name] = value;
    }
  }
  return body;
}

function withFiles(body, uploads, removals, collection) {
  const chosen = [...uploads].filter(([, files]) => files.length);
  for (const [name, names] of removals) {
    const field = collection.fields.find((item) => item.name === name);
    if (names.length && isMultiple(field)) {
      body[`${name}-`] = names;
    } else if (names.length && !chosen.some(([other]) => other === name)) {
      body[name] = "";
    }
  }
  if (!chosen.length) {
    return body;
  }
  const data = new FormData();
  data.set("@jsonPayload", JSON.stringify(body));
  for (const [name, files] of chosen) {
    const field = collection.fields.find((item) => item.name === name);
    for (const file of files) {
      data.append(isMultiple(field) ? `${name}+` : name, file);
    }
  }
  return data;
}
