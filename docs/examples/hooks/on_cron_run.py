"""Measures every scheduled job."""

import logging
from time import perf_counter

from pbhost import hookimpl

log = logging.getLogger("jobs")


@hookimpl(wrapper=True)
async def on_cron_run(event):
    begin = perf_counter()
    yield
    log.info("job %s took %.3f s", event.job_id, perf_counter() - begin)
