"""Rate-limit rules: which single rule, if any, applies to a request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

GUESTS = "@guest"
AUTHENTICATED = "@auth"


@dataclass(frozen=True, slots=True)
class RateLimitRule:
    """At most ``max_requests`` in ``duration`` seconds for requests with this label and audience."""

    label: str
    audience: str
    duration: int
    max_requests: int

    def is_for(self, authenticated: bool) -> bool:
        """Whether the rule's audience includes such a caller."""
        return not self.audience or self.audience == (AUTHENTICATED if authenticated else GUESTS)


class RuleTable:
    """The rules of one version of the settings, indexed for look-up."""

    __slots__ = ("_exact", "_prefixes")

    def __init__(self, rules: Iterable[RateLimitRule]) -> None:
        self._exact: dict[str, list[RateLimitRule]] = {}
        self._prefixes: list[RateLimitRule] = []
        for rule in rules:
            self._exact.setdefault(rule.label, []).append(rule)
            if rule.label.endswith("/"):
                self._prefixes.append(rule)

    def find(self, labels: Iterable[str], authenticated: bool) -> RateLimitRule | None:
        """The rule that decides: for each label in turn an exact one first, then one that ends in ``/`` as a prefix."""
        for label in labels:
            for rule in self._exact.get(label, ()):
                if rule.is_for(authenticated):
                    return rule
            below = label + "/"
            for rule in self._prefixes:
                if below.startswith(rule.label) and rule.is_for(authenticated):
                    return rule
        return None
