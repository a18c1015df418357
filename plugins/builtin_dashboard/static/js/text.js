// Values as people read them, and as filters quote them.

/** A stored date in the local time zone; "" for the empty date. */
export function formatDate(text) {
  if (!text) {
    return "";
  }
  const date = new Date(text.replace(" ", "T"));
  return Number.isNaN(date.getTime()) ? text : date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

/** A stored date as the value of a `datetime-local` input. */
export function toLocalInput(text) {
  if (!text) {
    return "";
  }
  const date = new Date(text.replace(" ", "T"));
  if (Number.isNaN(date.getTime())) {
    return "";
  }
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 23);
}

/** The stored form of the value of a `datetime-local` input. */
export function fromLocalInput(value) {
  return value ? new Date(value).toISOString().replace("T", " ") : "";
}

/** A text as a literal of the filter language. */
export function quote(text) {
  return `"${text.replace(/\\/g, "\\\\").replace(/"/g, '\\"')}"`;
}

/** `1 record`, `2 records`. */
export function plural(count, one, many = `${one}s`) {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}

export function formatBytes(size) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let index = 0;
  let value = size;
  while (value >= 1024 && index < units.length - 1) {
    value /= 1024;
    index += 1;
  }
  return `${index ? value.toFixed(1) : value} ${units[index]}`;
}

/** Text cut to a length that fits a table cell. */
export function shorten(text, length = 120) {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
