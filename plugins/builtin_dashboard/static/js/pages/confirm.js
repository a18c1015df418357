// The pages that links in mails lead to, and where an OAuth2 sign-in ends.

import { path, post, tokenPayload } from "../api.js";
import { fill, h } from "../dom.js";
import { form, input } from "../ui/form.js";
import { brand, outcome } from "./plain.js";

/** Sends a confirmation to the collection that the token is of. */
function confirm(token, action, body) {
  const { collectionId } = tokenPayload(token);
  return post(path("collections", collectionId || "_", action), { token, ...body }, { token: "" });
}

export async function confirmVerification({ params }) {
  try {
    await confirm(params.token, "confirm-verification", {});
    return outcome("success", "Email verified", "Your email address is confirmed. You can close this window.");
  } catch (error) {
    if (!error.status) {
      throw error;
    }
    return outcome("failure", "Not verified", "The link is invalid or has expired. Ask for a new one in the app.");
  }
}

export function confirmPasswordReset({ params }) {
  const { email } = tokenPayload(params.token);
  const values = { password: "", passwordConfirm: "" };
  return task(
    "Choose a new password",
    email ? `For ${email}.` : "",
    () => confirm(params.token, "confirm-password-reset", values),
    "The password was changed. You can sign in with it now.",
    input({ object: values, key: "password", label: "New password", type: "password", required: true, autofocus: true }),
    input({ object: values, key: "passwordConfirm", label: "New password, again", type: "password", required: true }),
    h("button", { class: "primary full" }, "Set the password"),
  );
}

export function confirmEmailChange({ params }) {
  const { newEmail } = tokenPayload(params.token);
  const values = { password: "" };
  return task(
    "Confirm your new email address",
    newEmail ? `It will be ${newEmail}. Type your password to confirm.` : "Type your password to confirm.",
    () => confirm(params.token, "confirm-email-change", values),
    "The email address was changed. Please sign in again in the app.",
    input({
      object: values,
      key: "password",
      label: "Password",
      type: "password",
      autocomplete: "current-password",
      required: true,
      autofocus: true,
    }),
    h("button", { class: "primary full" }, "Confirm"),
  );
}

function task(title, text, send, doneText, ...controls) {
  const holder = h("div");
  fill(
    holder,
    form(
      null,
      async () => {
        try {
          await send();
        } catch (error) {
          if (error.data && error.data.token) {
            throw new Error("The link is invalid or has expired. Ask for a new one in the app.");
          }
          throw error;
        }
        fill(holder, h("p", { role: "status" }, doneText));
      },
      ...controls,
    ),
  );
  return [brand(), h("h1", null, title), text ? h("p", null, text) : null, holder];
}

export function oauth2Outcome(ok) {
  if (ok) {
    // The window was opened by the app only for this; where scripts may, it goes away by itself.
    setTimeout(() => window.close(), 100);
  }
  return ok
    ? outcome("success", "Signed in", "You can close this window and go back to the app.")
    : outcome("failure", "Sign-in failed", "You can close this window and go back to the app to try again.");
}
