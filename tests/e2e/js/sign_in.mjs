// One user's account from sign-up to the alert of a stranger's sign-in, with each token taken out of the mail that came.
import { assert, client, finish, given, refused, superuser, url } from "./scenario.mjs";

let read = 0;

// The next mail; waits for it.
async function mail() {
  const answer = await fetch(`${given.mailbox}?number=${read++}`);
  assert.equal(answer.status, 200, `mail ${read} did not arrive`);
  return answer.json();
}

// The token of the one link in a mail, as a reader of either part finds it.
function token(mail, page) {
  const found = [mail.html, mail.text].map((part) => [...part.matchAll(new RegExp(`${page}/([\\w.-]+)`, "g"))]);
  assert.deepEqual(found.map((links) => links.length), [1, 1], `one link to ${page} in each part`);
  assert.equal(found[0][0][1], found[1][0][1]);
  return found[0][0][1];
}

// A client elsewhere; header values go out byte by byte, so text is given as its UTF-8 bytes.
function from(agent) {
  const pb = client();
  const userAgent = Buffer.from(agent).toString("latin1");
  pb.beforeSend = (address, options) => {
    options.headers = { ...options.headers, "User-Agent": userAgent };
    return { url: address, options };
  };
  return pb;
}

const admin = await superuser();
await admin.settings.update({
  meta: { appName: "Acme & Sons", appURL: url, senderName: "Acme Support", senderAddress: "support@acme.test" },
  smtp: { enabled: true, host: "127.0.0.1", port: given.smtp },
});

// -- sign-up, and the address proven by the mail -----------------------------------------------------------------------
const pb = client();
const users = pb.collection("users");
const [old, fresh] = ["ann@example.com", "ann.new@example.com"];
const first = "password-of-ann";
const { id } = await users.create({ email: old, password: first, passwordConfirm: first, name: "Ann" });
assert.ok(await users.requestVerification(old));
const verification = token(await mail(), "confirm-verification");
assert.ok(await users.confirmVerification(verification));

// -- sign-in -------------------------------------------------------------------------------------------------------
let session = await users.authWithPassword(old, first);
assert.equal(session.record.id, id);
assert.equal(session.record.verified, true);

// -- two factors: the password, then a code out of the mail ------------------------------------------------------------
await admin.collections.update("users", { otp: { enabled: true }, mfa: { enabled: true } });
pb.authStore.clear();
const half = await refused(users.authWithPassword(old, first));
assert.equal(half.status, 401);
const { mfaId } = half.response;
assert.deepEqual(half.response, { mfaId });
assert.equal((await refused(users.authWithPassword(old, first, { mfaId }))).status, 400);
assert.equal(pb.authStore.isValid, false);
const { otpId } = await users.requestOTP(old);
const [, code] = (await mail()).html.match(/<strong>(\d{8})<\/strong>/);
const wrong = code === "00000000" ? "11111111" : "00000000";
assert.equal((await refused(users.authWithOTP(otpId, wrong, { mfaId }))).status, 400);
session = await users.authWithOTP(otpId, code, { mfaId });
assert.equal(session.record.id, id);
assert.ok(pb.authStore.isValid);
assert.equal((await refused(users.authWithOTP(otpId, code, { mfaId }))).status, 400);

// -- another address ---------------------------------------------------------------------------------------------------
assert.ok(await users.requestEmailChange(fresh));
const change = token(await mail(), "confirm-email-change");
assert.equal((await refused(users.confirmEmailChange(change, "not-the-password"))).status, 400);
assert.ok(await users.confirmEmailChange(change, first));
assert.equal((await refused(users.confirmEmailChange(change, first))).status, 400);
// The SDK has signed out by itself; a client that has not heard of the change finds its token ended.
assert.equal(pb.authStore.isValid, false);
pb.authStore.save(session.token, session.record);
assert.equal((await refused(users.authRefresh())).status, 401);

// -- a forgotten password ----------------------------------------------------------------------------------------------
await admin.collections.update("users", { mfa: { enabled: false } });
pb.authStore.clear();
assert.ok(await users.requestPasswordReset(old), "an address that nobody has any more gets the same answer");
assert.ok(await users.requestPasswordReset(fresh));
const reset = token(await mail(), "confirm-password-reset");
const second = "another-password";
assert.ok(await users.confirmPasswordReset(reset, second, second));
assert.equal((await refused(users.confirmPasswordReset(reset, first, first))).status, 400);
assert.equal((await refused(users.authWithPassword(fresh, first))).status, 400);
assert.equal((await refused(users.authWithPassword(old, second))).status, 400);

// -- a sign-in from somewhere else -------------------------------------------------------------------------------------
for (const agent of ["Home/1.0", "Home/1.0", "Café <i>/2.0"]) {
  session = await from(agent).collection("users").authWithPassword(fresh, second);
  assert.equal(session.record.email, fresh);
}
await mail();
const origins = await admin.collection("_authOrigins").getFullList();
assert.equal(origins.filter((origin) => origin.recordRef === id).length, 2);

finish({ verification, code, change, reset });
