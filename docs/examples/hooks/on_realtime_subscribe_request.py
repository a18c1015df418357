"""Lets only signed-in users listen to a topic that is no collection."""

from pbhost import ForbiddenError, hookimpl


@hookimpl
def on_realtime_subscribe_request(event):
    if event.context.auth is None and any(topic.startswith("team/") for topic in event.subscriptions):
        raise ForbiddenError("Sign in to join a team.")
