// `/_/#/pbinstall/{token}`: the first superuser of a new application.

import { path, post, signIn, tokenPayload } from "../api.js";
import { h } from "../dom.js";
import { go } from "../router.js";
import { form, input } from "../ui/form.js";
import { ApiError } from "../api.js";
import { brand, outcome } from "./plain.js";

export function install({ params }) {
  const { token } = params;
  const { exp, type } = tokenPayload(token);
  if (type !== "auth" || !exp || exp * 1000 < Date.now()) {
    return outcome(
      "failure",
      "This link is no longer valid",
      "Restart the server for a new one, or run: pbhost superuser upsert EMAIL PASSWORD",
    );
  }
  const values = { email: "", password: "", passwordConfirm: "" };
  return [
    brand(),
    h("h1", null, "Create your first superuser"),
    h("p", null, "It manages the collections, records and settings of this application."),
    form(
      null,
      async () => {
        if (values.password !== values.passwordConfirm) {
          throw new ApiError(400, "Please check the form.", {
            passwordConfirm: { code: "validation_values_mismatch", message: "The passwords do not match." },
          });
        }
        await post(path("collections", "_superusers", "records"), values, { token });
        await signIn(values.email, values.password);
        go("/collections", true);
      },
      input({ object: values, key: "email", label: "Email", type: "email", autocomplete: "username", required: true, autofocus: true }),
      input({
        object: values,
        key: "password",
        label: "Password",
        type: "password",
        required: true,
        help: "At least 8 characters.",
      }),
      input({ object: values, key: "passwordConfirm", label: "Password, again", type: "password", required: true }),
      h("button", { class: "primary full" }, "Create superuser and sign in"),
    ),
  ];
}
