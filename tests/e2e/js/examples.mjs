// A shop that is made of example plugins, through the official SDK: it knows nothing of them and works with each.
import { assert, client, finish, first, given, refused, superuser, url } from "./scenario.mjs";

const admin = await superuser();
const shopper = client();
const other = client();

// -- proxy_sign_in ---------------------------------------------------------------------------------------------------
async function signIn(pb, user) {
  const headers = { "X-Forwarded-User": user, "X-Forwarded-Email": `${user}@example.com` };
  const auth = await pb.send("/api/collections/users/auth-with-proxy", { method: "POST", headers });
  pb.authStore.save(auth.token, auth.record);
  return auth;
}
const auth = await signIn(shopper, "ann");
assert.equal(auth.record.verified, true);
assert.equal(auth.meta.isNew, true);
await signIn(other, "bob");
await shopper.collection("users").authRefresh();
assert.equal(shopper.authStore.record.email, "ann@example.com");
const accounts = await shopper.collection("users").listExternalAuths(auth.record.id);
assert.deepEqual(accounts.map((item) => [item.provider, item.providerId]), [["proxy", "ann"]]);
const stranger = await refused(client().send("/api/collections/users/auth-with-proxy", { method: "POST" }));
assert.equal(stranger.status, 400);
const methods = await client().send("/api/collections/users/auth-methods", {});
assert.equal(methods.proxy.enabled, true);

// -- money_field and encrypted_storage ---------------------------------------------------------------------------------
const invoices = await admin.collections.create({
  name: "invoices",
  type: "base",
  listRule: "",
  viewRule: "",
  fields: [
    { name: "title", type: "text" },
    { name: "amount", type: "money", currencies: ["EUR", "USD"], min: 0 },
    { name: "scan", type: "file", maxSize: 5000000 },
  ],
});
assert.deepEqual(invoices.fields.find((field) => field.name === "amount").currencies, ["EUR", "USD"]);
const seen = [];
await other.collection("invoices").subscribe("*", (message) => seen.push(message));
const scan = new Uint8Array(300_000).map((_, index) => index % 251);
const invoice = await admin.collection("invoices").create({
  title: "March",
  amount: "19.99 EUR",
  scan: new File([scan], "scan.bin"),
});
assert.deepEqual(invoice.amount, { amount: 1999, currency: "EUR" });
await first((push) => setInterval(() => seen.forEach(push), 10).unref(), (m) => m.record.amount.amount === 1999, "the message");
const found = await other.collection("invoices").getList(1, 10, {
  filter: other.filter("money(amount, {:currency}) >= {:least}", { currency: "EUR", least: 1999 }),
  sort: "-amount.amount",
});
assert.deepEqual(found.items.map((item) => item.id), [invoice.id]);
const added = await admin.collection("invoices").update(invoice.id, { "amount+": { amount: 1, currency: "EUR" } });
assert.equal(added.amount.amount, 2000);
const cheap = await refused(admin.collection("invoices").create({ amount: "1 GBP" }));
assert.equal(cheap.response.data.amount.code, "money_currency_not_allowed");
const file = await fetch(other.files.getURL(invoice, invoice.scan), { headers: { Range: "bytes=100000-100999" } });
assert.equal(file.status, 206);
assert.deepEqual(new Uint8Array(await file.arrayBuffer()), scan.slice(100_000, 101_000));

// -- orders: the last pieces, over all worker processes ------------------------------------------------------------------
const chair = await admin.collection("products").create({ name: "Chair", price: 4999 });
await admin.collection("stock_ledger").create({ product: chair.id, change: 5, reason: "delivery" });
function order(pb, quantity) {
  const lines = [{ product: chair.id, quantity }];
  return pb.collection("orders").create({ customer: pb.authStore.record.id, lines });
}
const attempts = await Promise.allSettled(
  Array.from({ length: 16 }, (_, index) => order(index % 2 ? shopper : other, 1)),
);
assert.equal(attempts.filter((item) => item.status === "fulfilled").length, 5);
for (const { reason } of attempts.filter((item) => item.status === "rejected")) {
  assert.equal(reason.response.data.lines["0"].quantity.code, "orders_out_of_stock");
}
const mine = await shopper.collection("orders").getFullList({ sort: "created" });
assert.ok(mine.every((item) => item.total === 4999 && item.customer === shopper.authStore.record.id));
const theirs = await other.collection("orders").getFullList();
assert.equal(mine.length + theirs.length, 5);
const cancelled = (mine[0] ?? theirs[0]).id;
await (mine.length ? shopper : other).collection("orders").update(cancelled, { status: "cancelled" });
assert.equal((await client().collection("products").getOne(chair.id)).stock, 1);

// -- report_route ------------------------------------------------------------------------------------------------------
const report = await fetch(`${url}/api/reports/orders?columns=status,total&sort=status`, {
  headers: { Authorization: admin.authStore.token },
});
const lines = (await report.text()).trim().split("\r\n");
assert.deepEqual(lines.slice(0, 3), ["status,total", "cancelled,4999", "placed,4999"]);
assert.equal(lines.length, 6);
finish({ invoice: invoice.id });
