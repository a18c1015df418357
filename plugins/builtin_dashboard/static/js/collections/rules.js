// Who may do what: a rule for each action; locked means superusers only.

import { fill, h, icon, uniqueId } from "../dom.js";

const ACTIONS = [
  ["listRule", "List and search"],
  ["viewRule", "View"],
  ["createRule", "Create"],
  ["updateRule", "Update"],
  ["deleteRule", "Delete"],
];

/** The five rules; views have only the first two. */
export function rules(draft) {
  const shown = draft.type === "view" ? ACTIONS.slice(0, 2) : ACTIONS;
  return [
    h(
      "p",
      { class: "notice" },
      "A rule is a filter that the record must match, for instance ",
      h("code", null, "author = @request.auth.id"),
      ". An empty rule lets everybody in; a locked one only superusers.",
    ),
    shown.map(([key, label]) => ruleInput(draft, key, label, { disabled: draft.system })),
  ];
}

/** One rule of an object: null when locked. */
export function ruleInput(object, key, label, { path = key, disabled = false, lockedText = "Superusers only", help = "" } = {}) {
  const holder = h("div", { class: "field", dataset: { path } });
  const id = uniqueId("rule");
  let kept = object[key] || "";
  const show = () => {
    const isLocked = object[key] === null || object[key] === undefined;
    const control = h("textarea", {
      id,
      rows: "1",
      class: "code",
      spellcheck: "false",
      disabled: isLocked || disabled,
      placeholder: isLocked ? lockedText : "Everybody",
      value: isLocked ? "" : object[key],
      oninput: () => {
        object[key] = control.value;
      },
    });
    fill(
      holder,
      h(
        "div",
        { class: "row" },
        h("label", { for: id, class: "grow" }, label),
        h(
          "button",
          {
            type: "button",
            class: "small",
            disabled,
            "aria-pressed": String(isLocked),
            onclick: () => {
              if (isLocked) {
                object[key] = kept;
              } else {
                kept = object[key];
                object[key] = null;
              }
              show();
            },
          },
          icon("lock"),
          isLocked ? "Unlock" : "Lock",
        ),
      ),
      control,
      help ? h("p", { class: "help" }, help) : null,
      h("p", { class: "error", hidden: true }),
    );
  };
  show();
  return holder;
}
