// The options of an auth collection: ways to sign in, tokens, mails.

import { get } from "../api.js";
import { fill, h, iconButton } from "../dom.js";
import { checkbox, input, listInput, select, textarea } from "../ui/form.js";
import { item } from "../ui/item.js";
import { failure } from "../ui/toast.js";
import { ruleInput } from "./rules.js";

const TOKENS = [
  ["authToken", "Sign-in"],
  ["passwordResetToken", "Password reset"],
  ["verificationToken", "Email verification"],
  ["emailChangeToken", "Email change"],
  ["fileToken", "Protected files"],
];

export function authOptions(draft) {
  return [
    section(
      "Who may sign in",
      ruleInput(draft, "authRule", "Auth rule", { disabled: draft.system, lockedText: "Nobody", help: "For instance: verified = true" }),
      ruleInput(draft, "manageRule", "Manage rule", {
        disabled: draft.system,
        lockedText: "Superusers only",
        help: "Who may change the email and password of others.",
      }),
    ),
    section(
      "Password",
      checkbox({ object: draft.passwordAuth, key: "enabled", label: "Sign in with a password", path: "passwordAuth.enabled" }),
      listInput({ object: draft.passwordAuth, key: "identityFields", label: "Identity fields", path: "passwordAuth.identityFields", help: "Fields with a unique index." }),
    ),
    section(
      "One-time password by email",
      checkbox({ object: draft.otp, key: "enabled", label: "Sign in with a one-time password", path: "otp.enabled" }),
      h(
        "div",
        { class: "columns" },
        input({ object: draft.otp, key: "duration", label: "Valid for seconds", type: "number", path: "otp.duration" }),
        input({ object: draft.otp, key: "length", label: "Length", type: "number", path: "otp.length" }),
      ),
      template(draft.otp.emailTemplate, "otp.emailTemplate"),
    ),
    section(
      "Second factor",
      checkbox({ object: draft.mfa, key: "enabled", label: "Ask for two different ways to sign in", path: "mfa.enabled" }),
      input({ object: draft.mfa, key: "duration", label: "Seconds between the two", type: "number", path: "mfa.duration" }),
      input({ object: draft.mfa, key: "rule", label: "Only for records that match", path: "mfa.rule", class: "code", disabled: draft.system }),
    ),
    draft.name === "_superusers" ? null : section("OAuth2", oauth2(draft)),
    section(
      "Tokens",
      h(
        "div",
        { class: "columns" },
        TOKENS.map(([key, label]) => input({ object: draft[key], key: "duration", label: `${label}: valid for seconds`, type: "number", path: `${key}.duration` })),
      ),
    ),
    section(
      "Mails",
      checkbox({ object: draft.authAlert, key: "enabled", label: "Tell people of a sign-in from a new place", path: "authAlert.enabled" }),
      template(draft.authAlert.emailTemplate, "authAlert.emailTemplate", "New place"),
      template(draft.verificationTemplate, "verificationTemplate", "Email verification"),
      template(draft.resetPasswordTemplate, "resetPasswordTemplate", "Password reset"),
      template(draft.confirmEmailChangeTemplate, "confirmEmailChangeTemplate", "Email change"),
    ),
  ];
}

function section(title, ...content) {
  return item({ summary: h("strong", null, title), inner: content });
}

function template(object, path, title = "Mail") {
  return item({
    summary: title,
    inner: [
      input({ object, key: "subject", label: "Subject", path: `${path}.subject`, required: true }),
      textarea({ object, key: "body", label: "Body (HTML)", path: `${path}.body`, rows: "8", class: "code", required: true }),
    ],
  });
}

function oauth2(draft) {
  const list = h("div");
  const chooser = h("select", { "aria-label": "Provider" });
  const { oauth2: options } = draft;
  options.providers = options.providers || [];

  get("/api/collections/meta/oauth2-providers")
    .then((known) => fill(chooser, known.map(({ name, displayName }) => h("option", { value: name }, displayName))))
    .catch(failure);

  const show = () =>
    fill(
      list,
      options.providers.map((provider, index) => {
        const at = `oauth2.providers.${index}`;
        return item({
          props: { open: !provider.clientId },
          summary: h("strong", { class: "grow" }, provider.displayName || provider.name),
          actions: [
            iconButton("delete", `Remove ${provider.name}`, () => {
              options.providers.splice(index, 1);
              show();
            }),
          ],
          inner: h(
            "div",
            { class: "columns" },
            input({ object: provider, key: "clientId", label: "Client id", path: `${at}.clientId`, required: true }),
            input({
              object: provider,
              key: "clientSecret",
              label: "Client secret",
              path: `${at}.clientSecret`,
              type: "password",
              placeholder: provider.clientId ? "unchanged" : "",
            }),
            input({ object: provider, key: "displayName", label: "Name for people", path: `${at}.displayName` }),
            input({ object: provider, key: "authURL", label: "Authorization URL", path: `${at}.authURL`, placeholder: "default" }),
            input({ object: provider, key: "tokenURL", label: "Token URL", path: `${at}.tokenURL`, placeholder: "default" }),
            input({ object: provider, key: "userInfoURL", label: "User info URL", path: `${at}.userInfoURL`, placeholder: "default" }),
          ),
        });
      }),
    );
  show();
  const names = [["", "–"], ...draft.fields.filter((field) => !field.system).map((field) => [field.name, field.name])];
  return [
    checkbox({ object: options, key: "enabled", label: "Sign in with OAuth2", path: "oauth2.enabled" }),
    list,
    h(
      "div",
      { class: "row" },
      h("span", null, chooser),
      h(
        "button",
        {
          type: "button",
          onclick: () => {
            if (chooser.value) {
              options.providers.push({ name: chooser.value, clientId: "", clientSecret: "", authURL: "", tokenURL: "", userInfoURL: "", displayName: "", pkce: null, extra: null });
              show();
            }
          },
        },
        "Add provider",
      ),
    ),
    h("p"),
    h(
      "div",
      { class: "columns" },
      [["id", "Provider's id"], ["name", "Name"], ["username", "Username"], ["avatarURL", "Avatar"]].map(([key, label]) =>
        select({ object: options.mappedFields, key, label: `${label} goes to`, path: `oauth2.mappedFields.${key}`, options: names }),
      ),
    ),
  ];
}
