// The indexes of a collection, as CREATE INDEX statements.

import { fill, h, iconButton } from "../dom.js";

export function indexList(draft) {
  const list = h("div", { class: "list-editor" });
  const show = () =>
    fill(
      list,
      draft.indexes.length ? null : h("p", { class: "muted" }, "No indexes beyond the ones that the server makes itself."),
      draft.indexes.map((text, index) =>
        h(
          "div",
          { class: "row" },
          h(
            "div",
            { class: "field grow", dataset: { path: `indexes.${index}` } },
            h("textarea", {
              class: "code",
              rows: "2",
              spellcheck: "false",
              "aria-label": `Index ${index + 1}`,
              value: text,
              oninput: (event) => {
                draft.indexes[index] = event.target.value;
              },
            }),
            h("p", { class: "error", hidden: true }),
          ),
          iconButton("delete", `Remove index ${index + 1}`, () => {
            draft.indexes.splice(index, 1);
            show();
          }),
        ),
      ),
    );
  show();
  return [
    list,
    h("div", { class: "field", dataset: { path: "indexes" } }, h("p", { class: "error", hidden: true })),
    h("p"),
    h(
      "button",
      {
        type: "button",
        onclick: () => {
          const name = draft.name || "table";
          const unique = Math.random().toString(36).slice(2, 8);
          draft.indexes.push(`CREATE INDEX \`idx_${name}_${unique}\` ON \`${name}\` (\`\`)`);
          show();
          list.querySelectorAll("textarea")[draft.indexes.length - 1].focus();
        },
      },
      "Add index",
    ),
  ];
}
