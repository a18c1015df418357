// Choosing the records that a relation field points to.

import { get, path } from "../api.js";
import { collections, recordLabel } from "../collections/store.js";
import { debounce, fill, h, iconButton } from "../dom.js";
import { quote } from "../text.js";
import { openDrawer } from "../ui/dialog.js";
import { failure } from "../ui/toast.js";
import { groupOf } from "./inputs.js";

const PER_PAGE = 30;

export function relationInput(field, form, common) {
  const { draft, isView } = form;
  const target = collections.find(field.collectionId);
  const isMultiple = field.maxSelect > 1;
  const labels = new Map();
  const chips = h("div", { class: "chips" });
  const ids = () => [draft[field.name]].flat().filter(Boolean);
  const assign = (list) => {
    draft[field.name] = isMultiple ? list : list[0] || "";
    show();
  };
  const show = () =>
    fill(
      chips,
      ids().map((id) =>
        h(
          "span",
          { class: "chip", title: id },
          labels.get(id) || id,
          isView ? null : iconButton("close", `Remove ${labels.get(id) || id}`, () => assign(ids().filter((other) => other !== id))),
        ),
      ),
    );
  show();
  if (target && ids().length) {
    get(path("collections", target.id, "records"), {
      perPage: 200,
      skipTotal: 1,
      filter: ids().slice(0, 200).map((id) => `id = ${quote(id)}`).join(" || "),
    })
      .then(({ items }) => {
        items.forEach((item) => labels.set(item.id, recordLabel(target, item)));
        show();
      })
      .catch(failure);
  }
  return groupOf(
    { ...common, key: field.name, label: `${field.name} (relation to ${target ? target.name : "a missing collection"})` },
    chips,
    isView || !target
      ? null
      : h("button", { type: "button", class: "small", onclick: () => pick(target, { isMultiple, chosen: ids(), labels, assign }) }, "Choose…"),
  );
}

function pick(target, { isMultiple, chosen, labels, assign }) {
  const selected = new Set(chosen);
  const list = h("div", { class: "stack" });
  let page = 1;
  let text = "";

  const load = async () => {
    const fields = target.fields.filter((field) => ["text", "email", "url", "editor", "select", "number"].includes(field.type) && !field.hidden);
    const filter = text ? fields.map((field) => `${field.name} ~ ${quote(text)}`).join(" || ") : "";
    const found = await get(path("collections", target.id, "records"), { page, perPage: PER_PAGE, filter, sort: target.type === "view" ? "" : "-@rowid" });
    fill(
      list,
      found.items.length ? null : h("p", { class: "empty" }, "No records here."),
      found.items.map((item) => {
        labels.set(item.id, recordLabel(target, item));
        return h(
          "label",
          { class: "row" },
          h("input", {
            type: isMultiple ? "checkbox" : "radio",
            name: "picked",
            checked: selected.has(item.id),
            onchange: (event) => {
              if (!isMultiple) {
                selected.clear();
              }
              if (event.target.checked) {
                selected.add(item.id);
              } else {
                selected.delete(item.id);
              }
            },
          }),
          h("span", { class: "grow" }, labels.get(item.id)),
          h("code", { class: "muted" }, item.id),
        );
      }),
      h(
        "p",
        { class: "row" },
        h("button", { type: "button", class: "small", disabled: page <= 1, onclick: () => turn(-1) }, "Previous"),
        `Page ${page} of ${Math.max(1, found.totalPages)}`,
        h("button", { type: "button", class: "small", disabled: page >= found.totalPages, onclick: () => turn(1) }, "Next"),
      ),
    );
  };
  const turn = (step) => {
    page += step;
    load().catch(failure);
  };
  const search = debounce((value) => {
    text = value.trim();
    page = 1;
    load().catch(failure);
  }, 300);
  const drawer = openDrawer({
    title: `Choose from ${target.name}`,
    content: [
      h("p", null, h("input", { type: "search", placeholder: "Search", "aria-label": `Search ${target.name}`, oninput: (event) => search(event.target.value) })),
      list,
    ],
    footer: h(
      "button",
      {
        class: "primary",
        onclick: () => {
          assign([...selected]);
          drawer.close();
        },
      },
      "Use the selection",
    ),
  });
  load().catch(failure);
}
