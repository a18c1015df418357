// What each type of field can be told: the option's key, its control, its label.

import { checkbox, input, listInput, select } from "../ui/form.js";
import { collections } from "./store.js";

export const FIELD_TYPES = [
  ["text", "Plain text"],
  ["editor", "Rich text"],
  ["number", "Number"],
  ["bool", "True or false"],
  ["email", "Email"],
  ["url", "URL"],
  ["date", "Date and time"],
  ["autodate", "Automatic date"],
  ["select", "Choice"],
  ["file", "File"],
  ["relation", "Relation"],
  ["json", "JSON"],
  ["geoPoint", "Geographic point"],
  ["password", "Password"],
];

/** A new field of a type, with usable options. */
export function newField(type, name) {
  const field = { name, type, system: false, hidden: false, presentable: false, required: false };
  switch (type) {
    case "autodate":
      delete field.required;
      return { ...field, onCreate: true, onUpdate: false };
    case "select":
      return { ...field, values: ["first", "second"], maxSelect: 1 };
    case "file":
      return { ...field, maxSelect: 1, maxSize: 0, mimeTypes: [], thumbs: [], protected: false };
    case "relation":
      return { ...field, collectionId: "", cascadeDelete: false, minSelect: 0, maxSelect: 1 };
    default:
      return field;
  }
}

const number = (key, label, help) => (field, at) => input({ object: field, key, label, help, type: "number", path: `${at}.${key}` });
const nullable = (key, label) => (field, at) => input({ object: field, key, label, type: "number", empty: null, path: `${at}.${key}` });
const text = (key, label, help) => (field, at) => input({ object: field, key, label, help, path: `${at}.${key}`, class: "code" });
const flag = (key, label, help) => (field, at) => checkbox({ object: field, key, label, help, path: `${at}.${key}` });
const list = (key, label, help, separator) => (field, at) => listInput({ object: field, key, label, help, separator, path: `${at}.${key}` });

/** Controls of a field's own options. */
export const OPTIONS = {
  text: [
    number("min", "Shortest length"),
    number("max", "Longest length", "0: 5000 characters"),
    text("pattern", "Pattern", "A regular expression that values must match"),
    text("autogeneratePattern", "Generate from", "A pattern for values that are left out, for instance [a-z0-9]{30}"),
  ],
  editor: [number("maxSize", "Largest size in bytes", "0: 5 MiB"), flag("convertURLs", "Strip the host of own URLs")],
  number: [nullable("min", "Smallest"), nullable("max", "Greatest"), flag("onlyInt", "Whole numbers only")],
  bool: [],
  email: [list("exceptDomains", "All domains except"), list("onlyDomains", "Only these domains")],
  url: [list("exceptDomains", "All domains except"), list("onlyDomains", "Only these domains")],
  date: [text("min", "Earliest", "For instance 2024-01-01 00:00:00.000Z"), text("max", "Latest")],
  autodate: [flag("onCreate", "Set when a record is created"), flag("onUpdate", "Set when a record is changed")],
  select: [list("values", "Choices", "Separated by commas"), number("maxSelect", "How many may be chosen")],
  file: [
    number("maxSelect", "How many files"),
    number("maxSize", "Largest size in bytes", "0: 5 MiB"),
    list("mimeTypes", "Allowed content types", "Empty: all. For instance image/png, image/jpeg"),
    list("thumbs", "Thumbnail sizes", "For instance 100x100, 0x300, 200x200t"),
    flag("protected", "Protected: downloads need a token and the view rule"),
  ],
  relation: [
    (field, at) =>
      select({
        object: field,
        key: "collectionId",
        label: "To the collection",
        path: `${at}.collectionId`,
        required: true,
        disabled: Boolean(field.id),
        options: [["", "Choose…"], ...collections.all.map((item) => [item.id, item.name])],
      }),
    number("minSelect", "At least"),
    number("maxSelect", "At most", "More than 1 makes it a list"),
    flag("cascadeDelete", "Delete these records together with the one that they point to"),
  ],
  json: [number("maxSize", "Largest size in bytes", "0: 1 MiB")],
  geoPoint: [],
  password: [number("min", "Shortest length"), number("max", "Longest length", "0: 71 bytes"), text("pattern", "Pattern")],
};
