// The fields of a collection: a list that can be ordered, each with its options.

import { fill, h, iconButton, uniqueId } from "../dom.js";
import { checkbox, input } from "../ui/form.js";
import { item as collapsible } from "../ui/item.js";
import { FIELD_TYPES, newField, OPTIONS } from "./field_types.js";

/** The editor of `draft.fields`, which it changes in place. */
export function fieldList(draft) {
  const list = h("div");
  const opened = new Set();

  const move = (index, step) => {
    const [field] = draft.fields.splice(index, 1);
    draft.fields.splice(index + step, 0, field);
    show();
  };
  const drop = (index) => {
    draft.fields.splice(index, 1);
    show();
  };
  const show = () => fill(list, draft.fields.map(line));

  const line = (field, index) => {
    const at = `fields.${index}`;
    const title = h("strong", null, field.name || "(no name)");
    const element = collapsible({
      props: {
        open: opened.has(field),
        ontoggle: (event) => (event.target.open ? opened.add(field) : opened.delete(field)),
      },
      summary: [
        h("span", { class: "grow" }, title, " ", h("span", { class: "muted" }, labelOf(field.type))),
        field.required ? h("span", { class: "badge" }, "required") : null,
        field.hidden ? h("span", { class: "badge" }, "hidden") : null,
        field.system ? h("span", { class: "badge" }, "system") : null,
      ],
      actions: [
        iconButton("up", `Move ${field.name} up`, () => move(index, -1), { disabled: index === 0 }),
        iconButton("down", `Move ${field.name} down`, () => move(index, 1), { disabled: index === draft.fields.length - 1 }),
        iconButton("delete", `Remove ${field.name}`, () => drop(index), { disabled: field.system || field.name === "id" }),
      ],
      inner: [
        h(
          "div",
          { class: "columns" },
          input({
            object: field,
            key: "name",
            label: "Name",
            required: true,
            path: `${at}.name`,
            disabled: field.system,
            onchange: (name) => {
              title.textContent = name || "(no name)";
            },
          }),
          (OPTIONS[field.type] || []).map((control) => control(field, at)),
        ),
        field.type === "autodate" ? null : input({ object: field, key: "help", label: "Help", path: `${at}.help`, help: "Shown to people who edit records." }),
        h(
          "div",
          { class: "row" },
          field.type === "autodate" ? null : checkbox({ object: field, key: "required", label: "Required", path: `${at}.required`, disabled: field.system }),
          checkbox({ object: field, key: "hidden", label: "Hidden from the API", path: `${at}.hidden`, disabled: field.system }),
          checkbox({ object: field, key: "presentable", label: "Names the record in lists", path: `${at}.presentable` }),
        ),
        h("div", { class: "field", dataset: { path: at } }, h("p", { class: "error", hidden: true })),
      ],
    });
    return element;
  };

  const id = uniqueId("type");
  const chooser = h("select", { id }, FIELD_TYPES.map(([type, label]) => h("option", { value: type }, label)));
  show();
  return [
    list,
    h("div", { class: "field", dataset: { path: "fields" } }, h("p", { class: "error", hidden: true })),
    h(
      "div",
      { class: "row" },
      h("label", { for: id }, "New field"),
      h("span", null, chooser),
      h(
        "button",
        {
          type: "button",
          onclick: () => {
            const field = newField(chooser.value, freeName(draft, chooser.value));
            opened.add(field);
            // Dates of the record itself stay at the end.
            const end = draft.fields.findIndex((other) => other.type === "autodate");
            draft.fields.splice(end < 0 || chooser.value === "autodate" ? draft.fields.length : end, 0, field);
            show();
            const inputs = list.querySelectorAll("details[open] input");
            const control = [...inputs].find((input_) => input_.value === field.name);
            if (control) {
              control.focus();
              control.select();
            }
          },
        },
        "Add field",
      ),
    ),
  ];
}

function labelOf(type) {
  const known = FIELD_TYPES.find(([name]) => name === type);
  return known ? known[1] : type;
}

function freeName(draft, type) {
  const taken = new Set(draft.fields.map((field) => field.name.toLowerCase()));
  let name = type;
  for (let number = 2; taken.has(name.toLowerCase()); number += 1) {
    name = `${type}${number}`;
  }
  return name;
}
