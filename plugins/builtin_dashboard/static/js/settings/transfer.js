// The collections as JSON: out of one application, into another.

import { put } from "../api.js";
import { collections } from "../collections/store.js";
import { fill, h } from "../dom.js";
import { plural } from "../text.js";
import { ask } from "../ui/dialog.js";
import { checkbox, form, textarea } from "../ui/form.js";
import { success } from "../ui/toast.js";

export async function transfer() {
  const all = await collections.load(true);
  return [exporting(all), importing()];
}

function exporting(all) {
  const shown = all.map(({ created, updated, ...rest }) => ({ ...rest, ...(rest.oauth2 ? { oauth2: { ...rest.oauth2, providers: [] } } : {}) }));
  const text = JSON.stringify(shown, null, 2);
  return h(
    "div",
    { class: "card" },
    h("h2", null, "Export"),
    h("p", null, `${plural(all.length, "collection")}. Records and secrets are not part of it.`),
    h(
      "div",
      { class: "actions start" },
      h(
        "button",
        {
          onclick: async () => {
            await navigator.clipboard.writeText(text);
            success("Copied.");
          },
        },
        "Copy",
      ),
      h(
        "button",
        {
          onclick: () => {
            const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
            h("a", { href: url, download: "pb_schema.json" }).click();
            setTimeout(() => URL.revokeObjectURL(url), 1000);
          },
        },
        "Download as JSON",
      ),
    ),
  );
}

function importing() {
  const values = { text: "", deleteMissing: false };
  const plan = h("div");
  const control = textarea({ object: values, key: "text", label: "Collections as JSON", path: "collections", rows: "8", class: "code", onchange: () => showPlan() });
  const file = h("input", {
    type: "file",
    accept: ".json,application/json",
    "aria-label": "Choose a JSON file",
    onchange: async () => {
      values.text = await file.files[0].text();
      control.querySelector("textarea").value = values.text;
      showPlan();
    },
  });
  const parse = () => {
    const parsed = JSON.parse(values.text);
    if (!Array.isArray(parsed)) {
      throw new Error("A list of collections is expected.");
    }
    return parsed;
  };
  const changes = (incoming) => {
    const known = (item) => collections.all.find((other) => (item.id ? other.id === item.id : other.name === item.name));
    return {
      added: incoming.filter((item) => !known(item)),
      changed: incoming.filter(known),
      deleted: values.deleteMissing
        ? collections.all.filter((other) => !other.system && !incoming.some((item) => known(item) === other))
        : [],
    };
  };
  const showPlan = () => {
    try {
      const { added, changed, deleted } = changes(parse());
      fill(
        plan,
        [["New", added], ["Changed", changed], ["Deleted with all records", deleted]]
          .filter(([, items]) => items.length)
          .map(([label, items]) => h("p", { class: label.startsWith("Deleted") ? "danger-text" : null }, `${label}: ${items.map((item) => item.name).join(", ")}`)),
      );
    } catch (error) {
      fill(plan, values.text.trim() ? h("p", { class: "danger-text" }, error.message) : null);
    }
  };
  return form(
    { class: "card" },
    async () => {
      const incoming = parse();
      const { deleted } = changes(incoming);
      if (deleted.length && !(await ask(`This deletes ${plural(deleted.length, "collection")} with all records.`, { confirm: "Import", danger: true }))) {
        return;
      }
      await put("/api/collections/import", { collections: incoming, deleteMissing: values.deleteMissing });
      await collections.load(true);
      success("The collections were imported.");
    },
    h("h2", null, "Import"),
    h("p", null, file),
    control,
    checkbox({ object: values, key: "deleteMissing", label: "Delete collections and fields that are not part of it", onchange: showPlan }),
    plan,
    h("div", { class: "actions" }, h("button", { class: "primary" }, "Import")),
  );
}
