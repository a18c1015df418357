// Hash routes: `#/collections?collection=posts`. One page is shown at a time.

const routes = [];
let current = new AbortController();
let render = null;
let guard = null;

/**
 * Registers a page. `pattern`: segments, `{name}` takes one and `{name...}` the rest. `page(context)` returns a node or
 * a promise of one; context: `params`, `query` (URLSearchParams), `signal` (aborted when the page is left).
 */
export function route(pattern, page, options = {}) {
  routes.push({ segments: pattern.split("/").filter(Boolean), page, options });
}

/** The path and query of the current hash. */
export function location() {
  const [path, search = ""] = window.location.hash.replace(/^#/, "").split("?");
  return { path: path || "/", query: new URLSearchParams(search) };
}

/** Goes to a path; `replace` leaves no entry in the history. */
export function go(path, replace = false) {
  if (replace) {
    window.location.replace(`#${path}`);
  } else {
    window.location.hash = path;
  }
}

/** Rewrites the query of the current page without showing it anew. */
export function setQuery(values) {
  const { path, query } = location();
  for (const [key, value] of Object.entries(values)) {
    if (value === "" || value === null || value === undefined) {
      query.delete(key);
    } else {
      query.set(key, value);
    }
  }
  const search = query.toString();
  history.replaceState(null, "", search ? `#${path}?${search}` : `#${path}`);
}

/** Shows the page of the current hash again. */
export function reload() {
  return show();
}

/**
 * Starts routing. `renderer(promiseOfNode, options)` puts a page on the screen; `guardian(options)` returns a path to
 * go to instead, or "".
 */
export function start(renderer, guardian) {
  render = renderer;
  guard = guardian;
  window.addEventListener("hashchange", show);
  return show();
}

function show() {
  current.abort();
  current = new AbortController();
  const { path, query } = location();
  const segments = path.split("/").filter(Boolean);
  for (const { segments: pattern, page, options } of routes) {
    const params = match(pattern, segments);
    if (!params) {
      continue;
    }
    const elsewhere = guard(options);
    if (elsewhere) {
      go(elsewhere, true);
      return undefined;
    }
    const { signal } = current;
    return render(() => page({ params, query, signal }), options, signal);
  }
  go("/collections", true);
  return undefined;
}

function match(pattern, segments) {
  const params = {};
  for (const [index, part] of pattern.entries()) {
    if (part.startsWith("{") && part.endsWith("...}")) {
      params[part.slice(1, -4)] = segments.slice(index).map(decodeURIComponent).join("/");
      return params;
    }
    if (index >= segments.length) {
      return null;
    }
    if (part.startsWith("{")) {
      params[part.slice(1, -1)] = decodeURIComponent(segments[index]);
    } else if (part !== segments[index]) {
      return null;
    }
  }
  return pattern.length === segments.length ? params : null;
}
