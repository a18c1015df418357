// A new user's first hour: collections with rules and relations, sign-up and sign-in, records, files, live updates.
import { assert, client, finish, first, given, refused, superuser } from "./scenario.mjs";

const admin = await superuser();

// -- collections -----------------------------------------------------------------------------------------------------
const topics = await admin.collections.create({
  name: "topics",
  type: "base",
  listRule: "",
  viewRule: "",
  fields: [{ name: "name", type: "text", required: true, max: 40 }],
  indexes: ["CREATE UNIQUE INDEX `idx_topics_name` ON `topics` (`name`)"],
});
assert.match(topics.id, /^pbc_\d+$/);
const posts = await admin.collections.create({
  name: "posts",
  type: "base",
  listRule: "status = 'live' || author = @request.auth.id",
  viewRule: "status = 'live' || author = @request.auth.id",
  createRule: "@request.auth.id != '' && author = @request.auth.id",
  updateRule: "author = @request.auth.id",
  deleteRule: "author = @request.auth.id",
  fields: [
    { name: "title", type: "text", required: true, min: 3 },
    { name: "body", type: "editor" },
    { name: "status", type: "select", values: ["draft", "live"], maxSelect: 1 },
    { name: "score", type: "number" },
    { name: "meta", type: "json" },
    { name: "published", type: "date" },
    { name: "place", type: "geoPoint" },
    { name: "author", type: "relation", collectionId: "_pb_users_auth_", maxSelect: 1, cascadeDelete: true },
    { name: "topics", type: "relation", collectionId: topics.id, maxSelect: 5 },
    { name: "cover", type: "file", maxSelect: 1, mimeTypes: ["image/png"], thumbs: ["10x10"] },
    { name: "secret", type: "file", maxSelect: 1, protected: true },
    { name: "created", type: "autodate", onCreate: true },
    { name: "updated", type: "autodate", onCreate: true, onUpdate: true },
  ],
});
assert.equal(posts.fields[0].name, "id");
const users = await admin.collections.getOne("users");
await admin.collections.update("users", { listRule: "", viewRule: "" });
assert.equal(users.type, "auth");
const bad = await refused(admin.collections.create({ name: "posts", type: "base" }));
assert.equal(bad.status, 400);
assert.equal(bad.response.data.name.code, "validation_collection_name_exists");

// -- sign-up and sign-in ---------------------------------------------------------------------------------------------
const ann = client();
const bob = client();
const annRecord = await ann.collection("users").create({
  email: "ann@example.com", password: "password-of-ann", passwordConfirm: "password-of-ann", name: "Ann",
});
await bob.collection("users").create({
  email: "bob@example.com", password: "password-of-bob", passwordConfirm: "password-of-bob", name: "Bob",
});
const wrong = await refused(ann.collection("users").authWithPassword("ann@example.com", "not-the-password"));
assert.equal(wrong.status, 400);
await ann.collection("users").authWithPassword("ann@example.com", "password-of-ann");
await bob.collection("users").authWithPassword("bob@example.com", "password-of-bob");
assert.ok(ann.authStore.isValid);
const before = ann.authStore.token;
const refreshed = await ann.collection("users").authRefresh();
assert.equal(refreshed.record.id, annRecord.id);
assert.equal(refreshed.record.email, "ann@example.com");
assert.ok(before && ann.authStore.token);
const twice = await refused(ann.collection("users").create({
  email: "ann@example.com", password: "password-of-ann", passwordConfirm: "password-of-ann",
}));
assert.equal(twice.response.data.email.code, "validation_not_unique");

// -- live updates in a second client ---------------------------------------------------------------------------------
const seenByBob = [];
const waiting = [];
await bob.collection("posts").subscribe("*", (event) => {
  seenByBob.push(event);
  waiting.forEach((push) => push(event));
});
const live = (accept, what) => first((push) => waiting.push(push), accept, what);

// -- write, filter, sort, expand, page -------------------------------------------------------------------------------
const names = ["go", "python", "rust"];
const topicIds = [];
for (const name of names) topicIds.push((await admin.collection("topics").create({ name })).id);

const announced = live((event) => event.action === "create" && event.record.title === "Post 1", "create of Post 1");
const made = [];
for (let i = 1; i <= 12; i++) {
  made.push(await ann.collection("posts").create({
    title: `Post ${i}`,
    body: "<p>Hello & welcome</p>",
    status: i % 3 === 0 ? "draft" : "live",
    score: i * 1.5,
    meta: { n: i, tags: ["a", "b"] },
    published: `2026-01-${String(i).padStart(2, "0")} 10:00:00.000Z`,
    place: { lon: 23.3, lat: 42.7 },
    author: annRecord.id,
    topics: [topicIds[i % 3], topicIds[(i + 1) % 3]],
  }));
}
await announced;
assert.equal(made[1].score, 3);
assert.deepEqual(made[0].meta, { n: 1, tags: ["a", "b"] });
assert.equal(made[0].published, "2026-01-01 10:00:00.000Z");
assert.ok(seenByBob.every((event) => event.record.status === "live"), "a draft was announced to a stranger");

const page = await bob.collection("posts").getList(1, 3, {
  filter: bob.filter("score > {:score} && meta.n <= {:n}", { score: 2, n: 11 }),
  sort: "-score",
  expand: "author,topics",
});
assert.equal(page.totalItems, 7);
assert.equal(page.totalPages, 3);
assert.deepEqual(page.items.map((item) => item.title), ["Post 11", "Post 10", "Post 8"]);
assert.equal(page.items[0].expand.author.name, "Ann");
assert.equal(page.items[0].expand.author.email, undefined, "a hidden email was shown");
assert.equal(page.items[0].expand.topics.length, 2);
assert.equal((await ann.collection("posts").getFullList()).length, 12);
assert.equal((await bob.collection("posts").getList(1, 30, { filter: "topics.name ?= 'rust'" })).items.length > 0, true);
const back = await bob.collection("topics").getFirstListItem("name = 'go'", { expand: "posts_via_topics" });
assert.ok(back.expand.posts_via_topics.every((item) => item.status === "live"));
const picked = await bob.collection("posts").getOne(made[0].id, { fields: "id,body:excerpt(5,true)" });
assert.deepEqual(picked, { id: made[0].id, body: "Hello..." });

// -- update with modifiers, refusals ---------------------------------------------------------------------------------
const updated = live((event) => event.action === "update", "update");
const changed = await ann.collection("posts").update(made[0].id, { "score+": 10, "topics-": made[0].topics[0] });
assert.equal(changed.score, 11.5);
assert.equal(changed.topics.length, 1);
assert.equal((await updated).record.score, 11.5);
assert.equal((await refused(bob.collection("posts").update(made[0].id, { title: "mine" }))).status, 404);
assert.equal((await refused(bob.collection("posts").create({ title: "as ann", author: annRecord.id }))).status, 400);
assert.equal((await refused(client().collection("posts").create({ title: "as guest" }))).status, 400);
const short = await refused(ann.collection("posts").create({ title: "x", author: annRecord.id }));
assert.equal(short.response.data.title.code, "validation_min_text_constraint");
assert.equal((await refused(bob.collection("posts").getList(1, 1, { filter: "nope = 1" }))).status, 400);
assert.equal((await refused(bob.collection("missing").getList())).status, 404);

// -- files -----------------------------------------------------------------------------------------------------------
const png = Uint8Array.from(atob(
  "iVBORw0KGgoAAAANSUhEUgAAABQAAAAUCAIAAAAC64paAAAAHUlEQVR4nGP8z8DwnwEPYMInOYQ1jGoY1TCqYWgEAJ0sAyVNhCQdAAAAAElFTkSuQmCC",
), (c) => c.charCodeAt(0));
const pngFile = given.png ? Uint8Array.from(atob(given.png), (c) => c.charCodeAt(0)) : png;
const withFiles = await ann.collection("posts").update(made[1].id, {
  cover: new File([pngFile], "My Cover.png"),
  secret: new File(["for the author only"], "secret.txt"),
});
assert.match(withFiles.cover, /^my_cover_[a-z0-9]{10}\.png$/);
const coverUrl = ann.files.getURL(withFiles, withFiles.cover);
const original = await fetch(coverUrl);
assert.equal(original.status, 200);
assert.equal(original.headers.get("content-type"), "image/png");
assert.deepEqual(new Uint8Array(await original.arrayBuffer()), pngFile);
const thumb = await fetch(ann.files.getURL(withFiles, withFiles.cover, { thumb: "10x10" }));
assert.equal(thumb.status, 200);
const thumbBytes = new DataView(await thumb.arrayBuffer());
assert.deepEqual([thumbBytes.getUint32(16), thumbBytes.getUint32(20)], [10, 10], "the thumbnail has another size");
const secretUrl = (token) => ann.files.getURL(withFiles, withFiles.secret, token ? { token } : {});
await ann.collection("posts").update(made[1].id, { status: "draft" });
assert.equal((await fetch(secretUrl())).status, 404);
assert.equal((await fetch(secretUrl(await bob.files.getToken()))).status, 404);
const allowed = await fetch(secretUrl(await ann.files.getToken()));
assert.equal(await allowed.text(), "for the author only");
const notPng = await refused(ann.collection("posts").update(made[2].id, { cover: new File(["text"], "a.png") }));
assert.equal(notPng.response.data.cover.code, "validation_invalid_mime_type");
await ann.collection("posts").update(made[1].id, { cover: null });
assert.equal((await fetch(coverUrl)).status, 404);

// -- delete, with what cascades --------------------------------------------------------------------------------------
const gone = live((event) => event.action === "delete", "delete");
await ann.collection("posts").delete(made[0].id);
assert.equal((await gone).record.id, made[0].id);
await bob.collection("posts").unsubscribe();
const meta = { post: made[3].id, ann: annRecord.id, token: ann.authStore.token };
if (given.cascade) {
  await admin.collection("users").delete(annRecord.id);
  assert.equal((await admin.collection("posts").getList()).totalItems, 0);
  assert.equal((await refused(ann.collection("users").authRefresh())).status, 401);
}
finish(meta);
