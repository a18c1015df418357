// An OpenID Connect provider that is not ours (npm: oidc-provider), with its own login and consent pages.
// Arguments: the port, and JSON {client: {...}, people: {login: claims}}. Prints "ready" once it listens.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const [port, given] = [Number(process.argv[2]), JSON.parse(process.argv[3])];
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ grant_types: ["authorization_code"], response_types: ["code"], ...given.client }],
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), alg: "RS256", use: "sig", kid: "one" }] },
  cookies: { keys: ["a key for nothing but this test"] },
  // Claims go into the id_token too, for clients that read no user info.
  conformIdTokenClaims: false,
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "preferred_username", "picture"] },
  pkce: { required: () => true },
  findAccount: (context, sub) => given.people[sub] && { accountId: sub, claims: () => ({ sub, ...given.people[sub] }) },
});

createServer(provider.callback()).listen(port, "127.0.0.1", () => console.log("ready"));
