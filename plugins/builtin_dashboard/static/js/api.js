// The HTTP API as this interface uses it, and the signed-in superuser.

const STORE = "pbhost_superuser";

/** A refused request: `status`, `message`, and `data` with field errors (or whatever the answer carried). */
export class ApiError extends Error {
  constructor(status, message, data, body) {
    super(message);
    this.status = status;
    this.data = data || {};
    this.body = body || {};
  }
}

export const session = {
  token: "",
  record: null,

  load() {
    try {
      const stored = JSON.parse(localStorage.getItem(STORE) || "null");
      if (stored && typeof stored.token === "string" && tokenPayload(stored.token).exp * 1000 > Date.now()) {
        this.token = stored.token;
        this.record = stored.record;
      }
    } catch {
      localStorage.removeItem(STORE);
    }
  },

  save({ token, record }) {
    this.token = token;
    this.record = record;
    localStorage.setItem(STORE, JSON.stringify({ token, record }));
  },

  clear() {
    this.token = "";
    this.record = null;
    localStorage.removeItem(STORE);
  },
};

/** The claims of a JWT, unverified; an empty object if it is none. */
export function tokenPayload(token) {
  try {
    const part = token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
    const bytes = Uint8Array.from(atob(part), (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) || {};
  } catch {
    return {};
  }
}

/** `/api/a/b%2Fc` from its parts. */
export function path(...parts) {
  return "/api/" + parts.map(encodeURIComponent).join("/");
}

/**
 * One request. `options`: `query` (empty values are left out), `body` (JSON or FormData), `token` (instead of the
 * session's), `signal`. Returns the decoded answer, null for 204.
 */
export async function request(method, url, options = {}) {
  const headers = {};
  const token = options.token === undefined ? session.token : options.token;
  if (token) {
    headers.Authorization = token;
  }
  let body = options.body;
  if (body !== undefined && !(body instanceof FormData)) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(body);
  }
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(options.query || {})) {
    if (value !== "" && value !== null && value !== undefined) {
      query.set(key, value);
    }
  }
  const search = query.toString();
  let response;
  try {
    response = await fetch(search ? `${url}?${search}` : url, { method, headers, body, signal: options.signal });
  } catch (error) {
    if (error.name === "AbortError") {
      throw error;
    }
    throw new ApiError(0, "The server does not answer. Check that it is running.", {});
  }
  if (response.status === 204) {
    return null;
  }
  let answer = {};
  try {
    answer = await response.json();
  } catch {
    answer = {};
  }
  if (!response.ok) {
    if (response.status === 401 && token && token === session.token) {
      session.clear();
      window.dispatchEvent(new Event("signed-out"));
    }
    throw new ApiError(response.status, answer.message || `Request failed (${response.status}).`, answer.data, answer);
  }
  return answer;
}

export const get = (url, query, signal) => request("GET", url, { query, signal });
export const post = (url, body, options) => request("POST", url, { body, ...options });
export const patch = (url, body) => request("PATCH", url, { body });
export const put = (url, body) => request("PUT", url, { body });
export const remove = (url) => request("DELETE", url);

const SUPERUSERS = "_superusers";

/** Signs a superuser in. Throws an ApiError; with `body.mfaId` set, a second factor is needed. */
export async function signIn(identity, password) {
  session.save(await post(path("collections", SUPERUSERS, "auth-with-password"), { identity, password }, { token: "" }));
}

/** Sends a one-time password; returns its id. */
export async function requestOtp(email) {
  return (await post(path("collections", SUPERUSERS, "request-otp"), { email }, { token: "" })).otpId;
}

/** The second factor of a sign-in. */
export async function signInWithOtp(otpId, password, mfaId) {
  session.save(await post(path("collections", SUPERUSERS, "auth-with-otp"), { otpId, password, mfaId }, { token: "" }));
}

/** Checks the stored session and renews its token. */
export async function refreshSession() {
  session.save(await post(path("collections", SUPERUSERS, "auth-refresh"), {}));
}

/** A short-lived token for protected files and backups. */
export async function fileToken() {
  return (await post("/api/files/token", {})).token;
}

/** The address of a record's file. */
export function fileUrl(record, name, query = {}) {
  const search = new URLSearchParams(query).toString();
  const url = path("files", record.collectionId, record.id, name);
  return search ? `${url}?${search}` : url;
}
