// Shows /api/openapi.json. Everything is put in as text, never as markup: names come from users.

const message = document.getElementById("message");
const list = document.getElementById("list");
const search = document.getElementById("search");

function token() {
  try {
    // Where the dashboard keeps the superuser who is signed in.
    return JSON.parse(localStorage.getItem("pbhost_superuser") || "null")?.token || "";
  } catch {
    return "";
  }
}

function element(name, text, className) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function block(title, value) {
  const part = document.createDocumentFragment();
  part.append(element("h3", title), element("pre", JSON.stringify(value, null, 2)));
  return part;
}

// One level of references is put in place, so that a schema can be read where it is used.
function resolved(value, spec, depth = 0) {
  if (Array.isArray(value)) return value.map((item) => resolved(item, spec, depth));
  if (value === null || typeof value !== "object") return value;
  if (typeof value.$ref === "string" && depth < 3) {
    const target = value.$ref.slice(2).split("/").reduce((found, key) => found?.[key], spec);
    return resolved(target, spec, depth + 1);
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolved(item, spec, depth)]));
}

function operation(method, path, item, spec) {
  const details = element("details");
  const summary = element("summary");
  summary.append(element("span", method.toUpperCase(), "method"), element("code", path), ` ${item.summary || ""}`);
  details.append(summary);
  details.dataset.text = `${method} ${path} ${item.summary}`.toLowerCase();
  details.addEventListener("toggle", () => {
    if (details.childElementCount > 1) return;
    if (item["x-guard"]) details.append(element("p", `Needs a token: ${item["x-guard"]}`, "note"));
    if (item.parameters?.length) details.append(block("Parameters", item.parameters));
    if (item.requestBody) details.append(block("Body", resolved(item.requestBody.content, spec)));
    for (const [status, answer] of Object.entries(item.responses)) {
      if (status < 400) details.append(block(`Answer ${status}`, resolved(answer.content || {}, spec)));
    }
    details.append(element("p", `Errors: ${Object.keys(item.responses).filter((code) => code >= 400).join(", ")}`, "note"));
  });
  return details;
}

function show(spec) {
  const groups = new Map();
  for (const [path, methods] of Object.entries(spec.paths)) {
    for (const [method, item] of Object.entries(methods)) {
      const tag = item.tags[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operation(method, path, item, spec));
    }
  }
  for (const [tag, items] of [...groups].sort(([left], [right]) => left.localeCompare(right))) {
    const section = element("section");
    section.append(element("h2", tag), ...items);
    list.append(section);
  }
}

search.addEventListener("input", () => {
  const wanted = search.value.trim().toLowerCase();
  for (const item of list.querySelectorAll("details")) item.hidden = !item.dataset.text.includes(wanted);
  for (const section of list.children) section.hidden = !section.querySelector("details:not([hidden])");
});

const answer = await fetch("/api/openapi.json", { headers: { Authorization: token() } });
if (answer.ok) {
  show(await answer.json());
  message.remove();
} else {
  message.textContent = "Only superusers can see this: ";
  const link = element("a", "sign in to the dashboard");
  link.href = "/_/";
  message.append(link, " and come back.");
}
