"""A limit of one's own: so many requests of an address in ten seconds, superusers go free."""

from collections import Counter
from time import monotonic

from pbhost import hookimpl

LIMIT = 1000


class TenSeconds:
    def __init__(self):
        self._window = 0
        self._seen = Counter()

    @property
    def is_active(self):
        return True

    def allow(self, labels, bucket, context):
        if context.is_superuser:
            return True
        window = int(monotonic() // 10)
        if window != self._window:
            self._window, self._seen = window, Counter()
        self._seen[context.ip] += 1
        return self._seen[context.ip] <= LIMIT

    def allows_superuser(self, ip):
        return True


@hookimpl
def provide_rate_limiter(app):
    return TenSeconds()
