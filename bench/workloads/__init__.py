"""The workloads by name, in the order in which they run; memory comes last, when there has been all the load."""

from __future__ import annotations

from collections.abc import Callable

from bench.environment import Environment
from bench.report import Report
from bench.workloads import (
    big_lists,
    cascades,
    create,
    fanout,
    files,
    health,
    hooks,
    idle_plugins,
    listing,
    memory,
    realtime,
    refresh,
    ruled_create,
    sign_in,
    soak,
    start,
    view,
    workers,
)

WORKLOADS: dict[str, Callable[[Environment, Report], None]] = {
    "start": start.run,
    "health": health.run,
    "view": view.run,
    "list": listing.run_plain,
    "list_total": listing.run_total,
    "list_unindexed": listing.run_unindexed,
    "create": create.run,
    "auth_refresh": refresh.run,
    "sign_in": sign_in.run,
    "big_lists": big_lists.run,
    "ruled_create": ruled_create.run,
    "cascades": cascades.run,
    "fanout": fanout.run,
    "files": files.run,
    "soak": soak.run,
    "memory": memory.run,
    "live_latency": realtime.run_latency,
    "live_identities": realtime.run_identities,
    "live_idle": realtime.run_idle,
    "idle_plugins": idle_plugins.run,
    "hook_events": hooks.run_events,
    "hook_requests": hooks.run_requests,
    "workers": workers.run,
}
