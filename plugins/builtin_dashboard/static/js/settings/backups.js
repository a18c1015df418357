// Backups: made, downloaded, restored, by the clock.

import { fileToken, get, path, post, remove } from "../api.js";
import { fill, h, iconButton } from "../dom.js";
import { formatBytes, formatDate } from "../text.js";
import { ask } from "../ui/dialog.js";
import { form, input } from "../ui/form.js";
import { failure, info, success } from "../ui/toast.js";
import { s3Controls, settingsForm, testS3 } from "./sections.js";

export async function backups() {
  const list = h("div");
  const load = async () => {
    const found = (await get("/api/backups")).sort((a, b) => b.modified.localeCompare(a.modified));
    fill(list, found.length ? table(found, load) : h("p", { class: "empty" }, "No backups yet."));
  };
  await load();
  const values = { name: "" };
  const create = form(
    null,
    async () => {
      await post("/api/backups", values.name ? values : {});
      success("The backup was made.");
      await load();
    },
    input({ object: values, key: "name", label: "Name", placeholder: "Generated if left empty, else like before_update.zip" }),
    h(
      "div",
      { class: "actions start" },
      h("button", { class: "primary" }, "Make a backup now"),
      h("button", { type: "button", onclick: () => upload.click() }, "Upload a backup"),
    ),
  );
  const upload = h("input", {
    type: "file",
    accept: ".zip,application/zip",
    hidden: true,
    onchange: async () => {
      const data = new FormData();
      data.set("file", upload.files[0]);
      upload.value = "";
      try {
        await post("/api/backups/upload", data);
        success("The backup was uploaded.");
        await load();
      } catch (error) {
        create.showError(error);
      }
    },
  });
  const schedule = await settingsForm(["backups"], ({ backups: settings }) => [
    h("h2", null, "Automatic backups"),
    h(
      "div",
      { class: "columns" },
      input({ object: settings, key: "cron", label: "Schedule (cron, UTC)", path: "backups.cron", class: "code", placeholder: "for instance 0 3 * * *" }),
      input({ object: settings, key: "cronMaxKeep", label: "Keep the newest", path: "backups.cronMaxKeep", type: "number" }),
    ),
    s3Controls(settings.s3, "backups.s3", "Keep backups in an S3 bucket"),
  ]);
  return [h("div", { class: "card" }, list, create, upload), schedule, h("div", { class: "actions start" }, testS3("backups"))];
}

function table(found, load) {
  return h(
    "div",
    { class: "table-wrap" },
    h(
      "table",
      null,
      h("thead", null, h("tr", null, ["Name", "Size", "Made", "Actions"].map((name) => h("th", { scope: "col" }, name)))),
      h(
        "tbody",
        null,
        found.map(({ key, size, modified }) =>
          h(
            "tr",
            null,
            h("td", { title: key }, key),
            h("td", null, formatBytes(size)),
            h("td", null, formatDate(modified)),
            h(
              "td",
              null,
              iconButton("download", `Download ${key}`, () => download(key).catch(failure)),
              iconButton("refresh", `Restore ${key}`, () => restore(key).catch(failure)),
              iconButton("delete", `Delete ${key}`, () => erase(key, load).catch(failure)),
            ),
          ),
        ),
      ),
    ),
  );
}

async function download(key) {
  const token = await fileToken();
  const link = h("a", { href: `${path("backups", key)}?token=${encodeURIComponent(token)}`, download: key });
  link.click();
}

async function restore(key) {
  const question = `Replace all data by ${key}? The server restarts; what was written since is lost. Type the name to confirm.`;
  if (await ask(question, { confirm: "Restore", danger: true, typed: key })) {
    await post(path("backups", key, "restore"));
    info("The restore begins. This page reloads when the server is back.");
    setTimeout(() => window.location.reload(), 8000);
  }
}

async function erase(key, load) {
  if (await ask(`Delete the backup ${key}?`, { confirm: "Delete", danger: true })) {
    await remove(path("backups", key));
    success("The backup was deleted.");
    await load();
  }
}
