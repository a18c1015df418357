// Sections that are one form each: loaded, changed, saved.

import { get, patch, post } from "../api.js";
import { fill, h, iconButton } from "../dom.js";
import { loadAppearance } from "../frame.js";
import { checkbox, form, input, listInput, select } from "../ui/form.js";
import { failure, success } from "../ui/toast.js";
import { labelled } from "../ui/form.js";

/** A form over some keys of the settings; `controls(settings)` builds it. Absent secrets keep their stored value. */
export async function settingsForm(keys, controls) {
  const all = await get("/api/settings");
  const draft = Object.fromEntries(keys.map((key) => [key, all[key]]));
  return form(
    { class: "card" },
    async () => {
      await patch("/api/settings", withoutEmptySecrets(draft));
      await loadAppearance(true);
      success("The settings were saved.");
    },
    ...controls(draft),
    h("div", { class: "actions" }, h("button", { class: "primary" }, "Save")),
  );
}

function withoutEmptySecrets(value) {
  if (Array.isArray(value) || value === null || typeof value !== "object") {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, item]) => !(["password", "secret"].includes(key) && !item))
      .map(([key, item]) => [key, withoutEmptySecrets(item)]),
  );
}

export function applicationSettings() {
  return settingsForm(["meta"], ({ meta }) => [
    h(
      "div",
      { class: "columns" },
      input({ object: meta, key: "appName", label: "Name", path: "meta.appName", required: true }),
      input({ object: meta, key: "appURL", label: "URL", path: "meta.appURL", type: "url", required: true, help: "Links in mails start with it." }),
    ),
    color(meta),
    checkbox({ object: meta, key: "hideControls", label: "Hide the controls for creating and changing collections", path: "meta.hideControls" }),
  ]);
}

function color(meta) {
  const control = h("input", { type: "color", value: meta.accentColor || "#1055c9", oninput: () => { meta.accentColor = control.value; } });
  return labelled({ label: "Accent colour", path: "meta.accentColor" }, control);
}

export async function mailSettings() {
  const main = await settingsForm(["meta", "smtp"], ({ meta, smtp }) => {
    const server = h("div", { class: "columns" });
    const show = () =>
      fill(
        server,
        smtp.enabled
          ? [
              input({ object: smtp, key: "host", label: "Host", path: "smtp.host", required: true }),
              input({ object: smtp, key: "port", label: "Port", path: "smtp.port", type: "number", required: true }),
              input({ object: smtp, key: "username", label: "User name", path: "smtp.username" }),
              input({ object: smtp, key: "password", label: "Password", path: "smtp.password", type: "password", placeholder: "unchanged" }),
              select({ object: smtp, key: "authMethod", label: "Authentication", path: "smtp.authMethod", options: [["", "PLAIN (default)"], ["PLAIN", "PLAIN"], ["LOGIN", "LOGIN"]] }),
              select({ object: smtp, key: "tls", label: "Encryption", path: "smtp.tls", options: [[false, "STARTTLS when offered"], [true, "TLS from the start"]] }),
              input({ object: smtp, key: "localName", label: "Name in EHLO", path: "smtp.localName", placeholder: "localhost" }),
            ]
          : null,
      );
    show();
    return [
      h(
        "div",
        { class: "columns" },
        input({ object: meta, key: "senderName", label: "Sender name", path: "meta.senderName", required: true }),
        input({ object: meta, key: "senderAddress", label: "Sender address", path: "meta.senderAddress", type: "email", required: true }),
      ),
      checkbox({ object: smtp, key: "enabled", label: "Send through an SMTP server", path: "smtp.enabled", help: "Otherwise the sendmail command of this machine is used.", onchange: show }),
      server,
    ];
  });
  return [main, testMail()];
}

function testMail() {
  const values = { email: "", template: "verification", collection: "_superusers" };
  return form(
    { class: "card" },
    async () => {
      await post("/api/settings/test/email", values);
      success(`A mail was sent to ${values.email}.`);
    },
    h("h2", null, "Send a test mail"),
    h(
      "div",
      { class: "columns" },
      input({ object: values, key: "email", label: "To", type: "email", required: true }),
      select({
        object: values,
        key: "template",
        label: "Mail",
        options: [["verification", "Email verification"], ["password-reset", "Password reset"], ["email-change", "Email change"], ["otp", "One-time password"], ["login-alert", "Sign-in alert"]],
      }),
      input({ object: values, key: "collection", label: "Auth collection" }),
    ),
    h("div", { class: "actions" }, h("button", null, "Send")),
  );
}

/** The controls of a bucket. */
export function s3Controls(s3, path, label) {
  const holder = h("div", { class: "columns" });
  const show = () =>
    fill(
      holder,
      s3.enabled
        ? [
            input({ object: s3, key: "endpoint", label: "Endpoint", path: `${path}.endpoint`, required: true }),
            input({ object: s3, key: "bucket", label: "Bucket", path: `${path}.bucket`, required: true }),
            input({ object: s3, key: "region", label: "Region", path: `${path}.region`, required: true }),
            input({ object: s3, key: "accessKey", label: "Access key", path: `${path}.accessKey`, required: true }),
            input({ object: s3, key: "secret", label: "Secret", path: `${path}.secret`, type: "password", placeholder: "unchanged" }),
            checkbox({ object: s3, key: "forcePathStyle", label: "Bucket in the path, not in the host name", path: `${path}.forcePathStyle` }),
          ]
        : null,
    );
  show();
  return [checkbox({ object: s3, key: "enabled", label, path: `${path}.enabled`, onchange: show }), holder];
}

/** A button that tries the stored settings of a bucket. */
export function testS3(filesystem) {
  return h(
    "button",
    {
      type: "button",
      onclick: async () => {
        try {
          await post("/api/settings/test/s3", { filesystem });
          success("The connection works.");
        } catch (error) {
          failure(error);
        }
      },
    },
    "Test the saved connection",
  );
}

export async function storageSettings() {
  const main = await settingsForm(["s3"], ({ s3 }) => [
    h("p", { class: "notice" }, "Files of records are kept in the data directory, or in a bucket that speaks S3. Switching moves no files."),
    s3Controls(s3, "s3", "Keep files in an S3 bucket"),
  ]);
  return [main, h("div", { class: "actions start" }, testS3("storage"))];
}

export function limitSettings() {
  return settingsForm(["rateLimits", "trustedProxy", "superuserIPs"], (draft) => {
    const { rateLimits, trustedProxy } = draft;
    const list = h("div", { class: "list-editor" });
    const show = () =>
      fill(
        list,
        rateLimits.rules.map((rule, index) => {
          const at = `rateLimits.rules.${index}`;
          return h(
            "div",
            { class: "row" },
            h(
              "div",
              { class: "columns tight grow" },
              input({ object: rule, key: "label", label: "Label", path: `${at}.label`, class: "code" }),
              input({ object: rule, key: "maxRequests", label: "Requests", path: `${at}.maxRequests`, type: "number" }),
              input({ object: rule, key: "duration", label: "Per seconds", path: `${at}.duration`, type: "number" }),
              select({ object: rule, key: "audience", label: "For", path: `${at}.audience`, options: [["", "Everybody"], ["@guest", "Guests"], ["@auth", "Signed-in"]] }),
            ),
            iconButton("delete", `Remove the rule ${rule.label}`, () => {
              rateLimits.rules.splice(index, 1);
              show();
            }),
          );
        }),
      );
    show();
    return [
      h("h2", null, "Rate limits"),
      checkbox({ object: rateLimits, key: "enabled", label: "Limit the number of requests", path: "rateLimits.enabled" }),
      list,
      h("div", { class: "field", dataset: { path: "rateLimits.rules" } }, h("p", { class: "error", hidden: true })),
      h("button", { type: "button", class: "small", onclick: () => { rateLimits.rules.push({ label: "", audience: "", duration: 10, maxRequests: 100 }); show(); } }, "Add rule"),
      h("p", { class: "help" }, "A label is a path (/api/), METHOD and path, or a tag (users:auth, *:create)."),
      listInput({ object: rateLimits, key: "excludedIPs", label: "Never limited: addresses or subnets", path: "rateLimits.excludedIPs" }),
      h("h2", null, "Proxy"),
      listInput({ object: trustedProxy, key: "headers", label: "Trusted headers with the client's address", path: "trustedProxy.headers", help: "Only those that a proxy in front of this server always sets, for instance X-Real-IP." }),
      checkbox({ object: trustedProxy, key: "useLeftmostIP", label: "Take the left-most address", path: "trustedProxy.useLeftmostIP" }),
      h("h2", null, "Superusers"),
      listInput({ object: draft, key: "superuserIPs", label: "Only from these addresses or subnets", path: "superuserIPs", help: "Empty: from everywhere. Make sure that your own address is among them." }),
    ];
  });
}

export function batchSettings() {
  return settingsForm(["batch"], ({ batch }) => [
    checkbox({ object: batch, key: "enabled", label: "Allow several writes in one request (/api/batch)", path: "batch.enabled" }),
    h(
      "div",
      { class: "columns" },
      input({ object: batch, key: "maxRequests", label: "Writes in one request, at most", path: "batch.maxRequests", type: "number" }),
      input({ object: batch, key: "timeout", label: "Seconds, at most", path: "batch.timeout", type: "number" }),
      input({ object: batch, key: "maxBodySize", label: "Bytes, at most", path: "batch.maxBodySize", type: "number", help: "0: 128 MiB" }),
    ),
  ]);
}

export function logSettings() {
  return settingsForm(["logs"], ({ logs }) => [
    h(
      "div",
      { class: "columns" },
      input({ object: logs, key: "maxDays", label: "Keep for days", path: "logs.maxDays", type: "number", help: "0: nothing is logged" }),
      select({ object: logs, key: "minLevel", label: "From level", path: "logs.minLevel", options: [[-4, "Debug"], [0, "Info"], [4, "Warning"], [8, "Error"]] }),
    ),
    checkbox({ object: logs, key: "logIP", label: "Log addresses of clients", path: "logs.logIP" }),
    checkbox({ object: logs, key: "logAuthId", label: "Log ids of signed-in records", path: "logs.logAuthId" }),
  ]);
}
