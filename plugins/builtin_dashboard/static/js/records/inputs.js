// One control for each type of field.

import { fileToken, fileUrl } from "../api.js";
import { fill, h, iconButton } from "../dom.js";
import { formatBytes, formatDate, fromLocalInput, toLocalInput } from "../text.js";
import { checkbox, input, labelled, select, textarea } from "../ui/form.js";
import { failure } from "../ui/toast.js";
import { relationInput } from "./relation.js";

/** The control of a field. `form`: `{ collection, draft, record, isNew, isView, uploads, removals }`. */
export function recordInput(field, form) {
  const { draft, isNew, isView } = form;
  const common = {
    object: draft,
    key: field.name,
    label: label(field),
    help: field.help,
    required: field.required && !field.autogeneratePattern,
    disabled: isView,
  };
  if (field.hidden && field.system && field.type !== "password") {
    return null;
  }
  switch (field.type) {
    case "autodate":
      return isNew ? null : readOnly(field, formatDate(draft[field.name]));
    case "bool":
      return checkbox(common);
    case "number":
      return input({ ...common, type: "number", step: field.onlyInt ? "1" : "any", min: field.min ?? undefined, max: field.max ?? undefined });
    case "email":
    case "url":
      return input({ ...common, type: field.type });
    case "date":
      return date(field, common);
    case "select":
      return choices(field, common);
    case "relation":
      return relationInput(field, form, common);
    case "file":
      return files(field, form, common);
    case "json":
      return json(field, common);
    case "editor":
      return textarea({ ...common, rows: "8", help: field.help || "HTML" });
    case "geoPoint":
      return geoPoint(field, common);
    case "password":
      return passwords(field, form, common);
    default:
      return text(field, form, common);
  }
}

function label(field) {
  return field.type === "text" || field.type === "bool" ? field.name : `${field.name} (${field.type})`;
}

function readOnly(field, value) {
  return labelled({ label: label(field), path: field.name }, h("input", { readonly: true, value }));
}

function text(field, { isNew }, common) {
  if (field.primaryKey) {
    return input({ ...common, required: false, readonly: !isNew, class: "code", placeholder: isNew ? "Generated if left empty" : "" });
  }
  const isLong = !field.max || field.max > 200;
  const more = field.autogeneratePattern ? { placeholder: "Generated if left empty" } : {};
  return isLong ? textarea({ ...common, ...more, rows: "1" }) : input({ ...common, ...more });
}

function date(field, common) {
  const { object, key } = common;
  const control = h("input", {
    type: "datetime-local",
    step: "any",
    disabled: common.disabled,
    value: toLocalInput(object[key]),
    oninput: () => {
      object[key] = fromLocalInput(control.value);
    },
  });
  return labelled({ ...common, path: key, help: common.help || "In your local time." }, control);
}

function choices(field, common) {
  const { object, key } = common;
  const values = field.values || [];
  if (!(field.maxSelect > 1)) {
    return select({ ...common, options: field.required ? values : [["", "–"], ...values.map((value) => [value, value])] });
  }
  const boxes = values.map((value) =>
    h(
      "label",
      { class: "row" },
      h("input", {
        type: "checkbox",
        disabled: common.disabled,
        checked: object[key].includes(value),
        onchange: (event) => {
          object[key] = event.target.checked ? [...object[key], value] : object[key].filter((item) => item !== value);
        },
      }),
      value,
    ),
  );
  return groupOf(common, h("div", { class: "row" }, boxes));
}

/** A group of controls under one label. */
export function groupOf({ label: name, help, key, required }, ...content) {
  return h(
    "fieldset",
    { class: "field", dataset: { path: key } },
    h("legend", null, name, required ? h("span", { class: "required" }, " *") : null),
    content,
    help ? h("p", { class: "help" }, help) : null,
    h("p", { class: "error", hidden: true }),
  );
}

function json(field, common) {
  const { object, key } = common;
  const control = h("textarea", {
    class: "code",
    rows: "3",
    spellcheck: "false",
    disabled: common.disabled,
    value: object[key] === null || object[key] === undefined || object[key] === "" ? "" : JSON.stringify(object[key], null, 2),
    oninput: () => {
      let problem = "";
      try {
        object[key] = control.value.trim() === "" ? null : JSON.parse(control.value);
      } catch (error) {
        problem = error.message;
        // Kept as text: the server says what is wrong with it, rather than an older value being saved unseen.
        object[key] = control.value;
      }
      const slot = holder.querySelector(".error");
      slot.textContent = problem;
      slot.hidden = !problem;
    },
  });
  const holder = labelled({ ...common, path: key }, control);
  return holder;
}

function geoPoint(field, common) {
  const point = common.object[common.key] || { lon: 0, lat: 0 };
  common.object[common.key] = point;
  const disabled = common.disabled;
  return groupOf(
    common,
    h(
      "div",
      { class: "columns" },
      input({ object: point, key: "lon", path: `${common.key}.lon`, label: "Longitude", type: "number", min: -180, max: 180, disabled }),
      input({ object: point, key: "lat", path: `${common.key}.lat`, label: "Latitude", type: "number", min: -90, max: 90, disabled }),
    ),
  );
}

function passwords(field, { collection, draft, isNew }, common) {
  const hint = isNew ? field.help : "Leave empty to keep the password.";
  const first = input({ ...common, required: isNew && field.required, type: "password", help: hint });
  if (collection.type !== "auth" || field.name !== "password") {
    return first;
  }
  return [first, input({ object: draft, key: "passwordConfirm", type: "password", label: "passwordConfirm", required: isNew })];
}

function files(field, { record, uploads, removals, isView }, common) {
  const key = field.name;
  uploads.set(key, []);
  removals.set(key, []);
  const stored = [record ? record[key] : []].flat().filter(Boolean);
  const list = h("ul", { class: "files" });
  const isMultiple = field.maxSelect > 1;

  const show = () =>
    fill(
      list,
      stored.map((name) => {
        const isGone = removals.get(key).includes(name);
        return h(
          "li",
          { class: isGone ? "removed" : null },
          preview(record, name, field),
          h("span", { class: "grow" }, h("button", { type: "button", class: "link", onclick: () => open(record, name, field) }, name)),
          isView
            ? null
            : iconButton(isGone ? "refresh" : "delete", isGone ? `Keep ${name}` : `Remove ${name}`, () => {
                removals.set(key, isGone ? removals.get(key).filter((item) => item !== name) : [...removals.get(key), name]);
                show();
              }),
        );
      }),
      uploads.get(key).map((file) =>
        h(
          "li",
          null,
          h("span", { class: "badge on" }, "new"),
          h("span", { class: "grow" }, `${file.name} (${formatBytes(file.size)})`),
          iconButton("close", `Do not upload ${file.name}`, () => {
            uploads.set(key, uploads.get(key).filter((item) => item !== file));
            show();
          }),
        ),
      ),
    );
  show();
  const control = h("input", {
    type: "file",
    multiple: isMultiple,
    disabled: isView,
    "aria-label": `Choose files for ${key}`,
    accept: (field.mimeTypes || []).join(","),
    onchange: () => {
      uploads.set(key, isMultiple ? [...uploads.get(key), ...control.files] : [...control.files]);
      control.value = "";
      show();
    },
  });
  return groupOf({ ...common, key }, list, control);
}

const IMAGE = /\.(png|jpe?g|gif|webp|svg|avif)$/i;

function preview(record, name, field) {
  return IMAGE.test(name) && !field.protected
    ? h("img", { alt: "", loading: "lazy", src: fileUrl(record, name, { thumb: "100x100" }) })
    : null;
}

async function open(record, name, field) {
  try {
    const query = field.protected ? { token: await fileToken() } : {};
    window.open(fileUrl(record, name, query), "_blank", "noopener");
  } catch (error) {
    failure(error);
  }
}
