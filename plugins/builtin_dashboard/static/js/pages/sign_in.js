// Signing in as a superuser, with a second factor where it is asked for, and asking for a new password.

import { path, post, requestOtp, signIn, signInWithOtp } from "../api.js";
import { fill, h } from "../dom.js";
import { go } from "../router.js";
import { form, input } from "../ui/form.js";
import { brand } from "./plain.js";

export function signInPage({ query }) {
  const values = { identity: "", password: "" };
  const holder = h("div");
  const next = query.get("next") || "/collections";
  const done = () => go(next.startsWith("/") ? next : "/collections", true);

  const passwordForm = form(
    null,
    async () => {
      try {
        await signIn(values.identity, values.password);
        done();
      } catch (error) {
        if (error.status === 401 && error.body.mfaId) {
          const otpId = await requestOtp(values.identity);
          fill(holder, secondFactor(error.body.mfaId, otpId, done));
          holder.querySelector("input").focus();
          return;
        }
        throw error;
      }
    },
    input({ object: values, key: "identity", label: "Email", type: "email", autocomplete: "username", required: true, autofocus: true }),
    input({ object: values, key: "password", label: "Password", type: "password", autocomplete: "current-password", required: true }),
    h("button", { class: "primary full" }, "Sign in"),
    h("p", null, h("a", { class: "spaced",  href: "#/request-password-reset" }, "Forgotten password?")),
  );
  return [brand(), h("h1", null, "Superuser sign-in"), fill(holder, passwordForm)];
}

function secondFactor(mfaId, otpId, done) {
  const values = { code: "" };
  return form(
    null,
    async () => {
      await signInWithOtp(otpId, values.code, mfaId);
      done();
    },
    h("p", null, "A one-time password was sent to you by email."),
    input({ object: values, key: "code", path: "password", label: "One-time password", inputmode: "numeric", autocomplete: "one-time-code", required: true }),
    h("button", { class: "primary full" }, "Confirm"),
  );
}

export function requestPasswordReset() {
  const values = { email: "" };
  const holder = h("div");
  fill(
    holder,
    form(
      null,
      async () => {
        await post(path("collections", "_superusers", "request-password-reset"), values, { token: "" });
        fill(holder, h("p", { role: "status" }, `If there is a superuser ${values.email}, an email is on its way.`));
      },
      input({ object: values, key: "email", label: "Email", type: "email", autocomplete: "username", required: true }),
      h("button", { class: "primary full" }, "Send the reset link"),
    ),
  );
  return [brand(), h("h1", null, "Reset the password"), holder, h("p", null, h("a", { class: "spaced",  href: "#/login" }, "Back to the sign-in"))];
}
