// What extensions of plugins may use: `pbhost.page(path, label, page)`, `pbhost.request(...)`, `pbhost.h(...)`.

import * as api from "./api.js";
import { h, icon } from "./dom.js";
import { addLink } from "./frame.js";
import { route } from "./router.js";
import * as toast from "./ui/toast.js";

export function expose() {
  globalThis.pbhost = Object.freeze({
    h,
    icon,
    toast: Object.freeze({ ...toast }),
    request: api.request,
    session: api.session,
    /** Adds a page to the navigation; `page({ params, query, signal })` returns a node or a promise of one. */
    page(path, label, page) {
      route(path, page, { section: path });
      addLink({ path, label });
    },
  });
}
