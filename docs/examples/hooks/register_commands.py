"""``pbhost posts count``: a command that works on the data directory, beside a running server."""

import click

from pbhost import hookimpl


@hookimpl
def register_commands(app):
    @click.group()
    def posts():
        """Look after the posts."""

    @posts.command()
    def count():
        """Say how many there are."""

        async def work(started):
            return await started.records.count("posts")

        click.echo(app.run(work))

    return [posts]
