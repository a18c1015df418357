"""What create and update share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

from pbhost.database import Connection, SqlValue, Transaction
from pbhost.errors import BadRequestError, ValidationError
from pbhost.hooks.events import ApiWrite, RecordRequestEvent
from pbhost.model import BodyValue, Field, Record

from ..body import addressed
from ..codec import dumps
from ..expand import parse_expand
from ..faults import write_failure
from ..fieldrules import kept_body
from ..saving import prepare, undo
from .base import Action, Asked, Outcome, Run


class Saved(Action):
    """What create and update share."""

    message: str = ""
    #: Set by :meth:`look`.
    record: Record

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked)
        self.lifecycle = asked.core.lifecycles.of(asked.collection)
        self.submitted: Mapping[str, BodyValue] = asked.context.body
        self.manages = False
        self._body = self.submitted
        self._limited = self._limited_fields()
        self._kept: frozenset[str] = frozenset()
        self._slow = self._slow_fields()
        self._saved = False

    @property
    def needs_loop(self) -> bool:
        return self.hook is not None or bool(self._slow)

    def _slow_fields(self) -> list[Field]:
        """Fields whose submitted values have to be prepared on the event loop."""
        slow = self.lifecycle.slow
        if not slow:
            return []
        named = addressed(self.collection, self.submitted)
        return [field for field in slow if field.name in named]

    def _limited_fields(self) -> tuple[str, ...]:
        """The submitted fields that have a write rule for this caller."""
        rules = self.lifecycle.write_rules
        if not rules or self.context.is_superuser:
            return ()
        return tuple(sorted(addressed(self.collection, self.submitted) & rules.keys()))

    @property
    def _asks_write_rules(self) -> bool:
        """Whether a write rule has to be evaluated."""
        rules = self.lifecycle.write_rules
        return any(rules[name] is not None for name in self._limited)

    def _drop_unwritable(self, connection: Connection | None) -> None:
        """Leaves out of the body what the caller may not write, as if it had not been sent."""
        if self._limited:
            self._kept = kept_body(
                self.lifecycle.write_rules, self._limited, lambda rule, kept: self._may_write(connection, rule, kept)
            )
            self._body = self._body_with(self._kept)

    def _recheck_writable(self, connection: Connection) -> None:
        """Anything may have happened since the look: a field that may no longer be written fails the whole write."""
        rules = self.lifecycle.write_rules
        for rule in {rules[name] for name in self._kept}:
            if rule and not self._may_write(connection, rule, self._kept):
                raise BadRequestError(self.message, cause="a write rule of a field is no longer satisfied")

    def _may_write(self, connection: Connection | None, rule: str, kept: frozenset[str]) -> bool:
        assert connection is not None, "write rules need the database"
        return self._write_rule_holds(connection, rule, self._body_with(kept))

    @abstractmethod
    def _write_rule_holds(self, connection: Connection, rule: str, body: Mapping[str, BodyValue]) -> bool:
        """Whether a write rule holds if that body is what is written."""

    def _body_with(self, kept: frozenset[str]) -> Mapping[str, BodyValue]:
        """The submitted body without the limited fields that are not kept."""
        dropped = frozenset(self._limited) - kept
        field_of = self.collection.field_of
        return {
            key: value
            for key, value in self.submitted.items()
            if (field := field_of(key)) is None or field.name not in dropped
        }

    def _apply(self, record: Record) -> None:
        body = self.lifecycle.body.apply(record, self._body, reveal=self.context.is_superuser)
        self.record = record
        self.context = self.context.derive(body=body)

    def _api(self) -> ApiWrite:
        return ApiWrite(manages=self.manages, body=self._body)

    def _may_manage(self) -> str:
        """The manage rule if it has to be asked; superusers have manage access, guests never."""
        self.manages = self.collection.is_auth and self.context.is_superuser
        if not self.collection.is_auth or self.manages or self.context.auth is None:
            return ""
        rule = self.collection.options.get("manageRule")
        return rule if isinstance(rule, str) else ""

    async def around(self, run: Run) -> Outcome:
        async def operation() -> Outcome:
            fields = self._to_prepare()
            try:
                await prepare(fields, self.record, self.core.app)
                return await run(self.finish)
            except Exception as error:
                if not self._saved:
                    await undo(fields, self.record, self.core.app)
                raise write_failure(error, self.message) from error
            except BaseException:
                if not self._saved:
                    await undo(fields, self.record, self.core.app)
                raise

        event = RecordRequestEvent(
            app=self.core.app,
            context=self.context,
            request=self.request,
            collection=self.collection,
            record=self.record,
            api=self._api(),
        )
        try:
            return await self._run_hook(event, operation)
        except ValidationError as error:
            raise error.named(self.message) from error

    def _to_prepare(self) -> list[Field]:
        """The slow fields whose values changed, by the body or by a request hook."""
        return [field for field in self.lifecycle.slow if self.record.is_new or self.record.changed(field.name)]

    def _save(self, tx: Transaction) -> Outcome:
        core = self.core
        chains = self.chains.of("create" if self.kind == "create" else "update")
        expand = self.context.query.get("expand", "")
        has_hooks = self.hook is not None or chains.in_transaction
        wants_record = self._wants_record or core.answers.needs_records(self.collection, expand)
        outcome = Outcome(200)
        codec = core.codecs.of(self.collection)

        def answer_ahead(row: list[SqlValue]) -> None:
            outcome.body = codec.json(row, reveal=self.context.is_superuser)

        is_last = (
            self.is_alone
            and not (has_hooks or wants_record or expand)
            and (codec.is_same_for_all or self.context.is_superuser)
        )
        try:
            row = core.saving.save(
                tx,
                self.record,
                self.aftermath,
                context=self.context,
                api=self._api(),
                conclude=answer_ahead if is_last else None,
            )
        except Exception as error:
            raise write_failure(error, self.message) from error
        self._saved = True
        if is_last:
            return outcome
        tree = parse_expand(expand)
        if not (wants_record or has_hooks):
            return Outcome(200, dumps(core.answers.objects(tx, self.collection, (tuple(row),), self.context, tree)[0]))
        # Hooks may have hidden, shown or added something: what is sent has to come from their record.
        core.answers.enrich(tx, [self.record], self.context, tree)
        return Outcome(200, record=self.record) if wants_record else Outcome(200, dumps(self.record.to_json()))
