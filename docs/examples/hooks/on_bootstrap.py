"""Measures how long the services take to start."""

import logging
from time import perf_counter

from pbhost import hookimpl

log = logging.getLogger("start")


@hookimpl(wrapper=True)
async def on_bootstrap(event):
    begin = perf_counter()
    yield
    log.info("the services started in %.3f s", perf_counter() - begin)
