"""Records as typed classes, which ``pbhost types python`` writes for the collections of a data directory."""

from __future__ import annotations

from typing import ClassVar, Generic, Self, TypeVar, overload

from pbhost.model.record import Record

Read_co = TypeVar("Read_co", covariant=True)
Written_contra = TypeVar("Written_contra", contravariant=True)
T = TypeVar("T", bound="TypedRecord")


class TypedRecord(Record):
    """A record of one collection, whose fields are attributes; subclasses are generated.

    It is a record like any other: ``post["title"]`` and everything else of :class:`Record` works, and ``app.records``
    takes it wherever it takes a record.
    """

    __slots__ = ()

    #: The name of the collection.
    COLLECTION: ClassVar[str] = ""

    @classmethod
    def of(cls, record: Record) -> Self:
        """The same record, not a copy, seen as this class: what is assigned to one is assigned to the other.

        Raises:
            TypeError: it belongs to another collection.
        """
        if record.collection.name != cls.COLLECTION:
            raise TypeError(f"{record!r} is no record of the collection {cls.COLLECTION!r}")
        if not isinstance(record, cls):
            # A class without slots of its own has the memory layout of its base, so the object stays what it is.
            record.__class__ = cls
        assert isinstance(record, cls)
        return record

    def expanded_one(self, segment: str, as_: type[T]) -> T | None:
        """The record that a relation was expanded to (``expand="author"``); None if there is none.

        Raises:
            TypeError: it belongs to another collection.
        """
        found = (self.expand or {}).get(segment)
        if isinstance(found, list):
            found = found[0] if found else None
        return None if found is None else as_.of(found)

    def expanded_list(self, segment: str, as_: type[T]) -> list[T]:
        """The records that a relation was expanded to (``expand="comments_via_post"``); none if it was not.

        Raises:
            TypeError: one belongs to another collection.
        """
        found = (self.expand or {}).get(segment)
        if found is None:
            return []
        return [as_.of(item) for item in (found if isinstance(found, list) else [found])]


class Value(Generic[Read_co, Written_contra]):
    """One field as an attribute of a :class:`TypedRecord`: ``title = Value[str, str]("title")``.

    Raises on use:
        AttributeError: the collection has no such field; the classes were generated from another schema.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, record: None, owner: type[object] | None = None) -> Self: ...

    @overload
    def __get__(self, record: Record, owner: type[object] | None = None) -> Read_co: ...

    def __get__(self, record: Record | None, owner: type[object] | None = None) -> Self | Read_co:
        if record is None:
            return self
        field = record.collection.field(self.name)
        if field is None:
            raise self._missing(record)
        return field.to_python(record[self.name])  # type: ignore[return-value]  # the field named the type

    def __set__(self, record: Record, value: Written_contra) -> None:
        try:
            record[self.name] = value
        except KeyError:
            raise self._missing(record) from None

    def _missing(self, record: Record) -> AttributeError:
        return AttributeError(
            f"the collection {record.collection.name!r} has no field {self.name!r}: run 'pbhost types python' again"
        )
