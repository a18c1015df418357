"""Deletes empty posts every night at three (UTC); of several workers one does it."""

from pbhost import CronJob, hookimpl


@hookimpl
def register_cron_jobs(app):
    async def tidy():
        async for post in app.records.iterate("posts", "title = ''"):
            await app.records.delete(post)

    return [CronJob("tidy_posts", "0 3 * * *", tidy)]
