"""The two domain lists of the e-mail and the url field: options, their checks, and who is let in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pbhost.errors import ErrorTree, FieldError
from pbhost.model import SchemaCheck
from pbhost.validation import MUST_BE_BLANK, collect, each, is_domain, required

from .options import Option, texts
from .plain import PlainTextField


@dataclass(kw_only=True)
class DomainLimitedField(PlainTextField):
    """A text whose domain must (not) be one of a list; at most one of the lists may be given."""

    options: ClassVar = {
        "except_domains": Option("exceptDomains", texts),
        "only_domains": Option("onlyDomains", texts),
    }

    except_domains: list[str] | None = None
    only_domains: list[str] | None = None

    def check_options(self, check: SchemaCheck) -> ErrorTree:
        if self.except_domains and self.only_domains:
            return {"exceptDomains": MUST_BE_BLANK, "onlyDomains": MUST_BE_BLANK}
        return collect(
            {
                "exceptDomains": each(self.except_domains or [], required, is_domain),
                "onlyDomains": each(self.only_domains or [], required, is_domain),
            }
        )

    def admits(self, domain: str) -> bool:
        """Whether a domain, compared as written, is allowed."""
        if self.only_domains:
            return domain in self.only_domains
        return domain not in (self.except_domains or ())


def domain_error(code: str, kind: str) -> FieldError:
    """The error of a value whose domain is not allowed."""
    return FieldError(code, f"{kind} domain is not allowed.")
