// What pbhost adds to records, reached by plain requests of the official SDK: cursors, rules of fields, JSON Schema.
import { assert, client, finish, refused, superuser } from "./scenario.mjs";

const admin = await superuser();
const staff = await admin.collections.create({
  name: "staff",
  type: "base",
  listRule: "",
  viewRule: "",
  createRule: "@request.auth.id != ''",
  updateRule: "@request.auth.id != ''",
  fields: [
    { name: "name", type: "text" },
    { name: "rank", type: "number" },
    { name: "salary", type: "number" },
    { name: "owner", type: "relation", collectionId: "_pb_users_auth_", maxSelect: 1 },
    {
      name: "profile",
      type: "json",
      schema: { type: "object", required: ["city"], properties: { city: { type: "string", minLength: 2 } } },
    },
  ],
  indexes: ["CREATE INDEX `idx_staff_rank` ON `staff` (`rank`)"],
  fieldRules: { salary: { read: "owner = @request.auth.id", write: null } },
});
assert.deepEqual(staff.fieldRules, { salary: { read: "owner = @request.auth.id", write: null } });
assert.equal(staff.fields.find((field) => field.name === "profile").schema.required[0], "city");

const people = {};
for (const name of ["ann", "bob"]) {
  people[name] = client();
  const account = { email: `${name}@example.com`, password: `password-of-${name}`, passwordConfirm: `password-of-${name}` };
  people[name].record = await people[name].collection("users").create(account);
  await people[name].collection("users").authWithPassword(account.email, account.password);
}
const { ann, bob } = people;

// -- rules of fields -------------------------------------------------------------------------------------------------
const own = await admin.collection("staff").create({ name: "first", rank: 0, salary: 100, owner: ann.record.id });
assert.equal((await ann.collection("staff").getOne(own.id)).salary, 100);
assert.ok(!("salary" in (await bob.collection("staff").getOne(own.id))), "only the owner reads it");
assert.equal((await ann.collection("staff").getList(1, 5, { filter: "salary = 100" })).totalItems, 1);
assert.equal((await bob.collection("staff").getList(1, 5, { filter: "salary = 100" })).totalItems, 0);
assert.equal((await bob.collection("staff").getList(1, 5, { filter: "salary != 100" })).totalItems, 0);
assert.equal((await refused(bob.collection("staff").getList(1, 5, { sort: "salary" }))).status, 400);
await ann.collection("staff").update(own.id, { name: "renamed", salary: 999 });
assert.equal((await admin.collection("staff").getOne(own.id)).salary, 100, "only superusers write it");
await admin.collection("staff").update(own.id, { salary: 120 });
assert.equal((await ann.collection("staff").getOne(own.id)).salary, 120);

// -- JSON Schema -----------------------------------------------------------------------------------------------------
const wrong = await refused(ann.collection("staff").create({ name: "x", profile: { city: "A" } }));
assert.equal(wrong.status, 400);
assert.equal(wrong.response.data.profile.code, "validation_json_schema");
assert.deepEqual(wrong.response.data.profile.params, { path: "/city", keyword: "minLength" });
const right = await ann.collection("staff").create({ name: "x", rank: -1, profile: { city: "Rome" } });
assert.equal(right.profile.city, "Rome");
const badSchema = await refused(
  admin.collections.update("staff", {
    fields: staff.fields.map((field) => (field.name === "profile" ? { ...field, schema: { type: "nothing" } } : field)),
  }),
);
assert.match(JSON.stringify(badSchema.response.data), /validation_invalid_json_schema/);

// -- cursors ---------------------------------------------------------------------------------------------------------
for (let number = 1; number <= 20; number += 1) {
  await admin.collection("staff").create({ name: `n${number}`, rank: number % 7 });
}
const expected = (await bob.collection("staff").getFullList({ sort: "-rank,id" })).map((record) => record.id);
const seen = [];
let cursor = "";
let pages = 0;
do {
  const page = await bob.collection("staff").getList(1, 6, { sort: "-rank,id", query: { cursor } });
  assert.equal(page.totalItems, -1);
  seen.push(...page.items.map((record) => record.id));
  if (pages === 0) {
    // A new first record and the end of a seen one move nothing.
    await admin.collection("staff").create({ name: "late", rank: 100 });
    await admin.collection("staff").delete(seen[0]);
  }
  cursor = page.nextCursor;
  pages += 1;
} while (cursor !== "");
assert.deepEqual(seen, expected);
assert.equal(pages, 4);
const sent = await bob.send("/api/collections/staff/records", { query: { sort: "rank", perPage: 2, cursor: "" } });
assert.equal(sent.items.length, 2);
const other = await refused(
  bob.send("/api/collections/staff/records", { query: { sort: "-rank", cursor: sent.nextCursor } }),
);
assert.equal(other.status, 400);
assert.match(other.response.message, /another query/);
const forged = `${sent.nextCursor.slice(0, -2)}AA`;
assert.equal((await refused(bob.send("/api/collections/staff/records", { query: { sort: "rank", cursor: forged } }))).status, 400);
const random = await refused(bob.collection("staff").getList(1, 2, { sort: "@random", query: { cursor: "" } }));
assert.equal(random.status, 400);

finish({ pages });
