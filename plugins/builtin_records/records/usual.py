"""What the values of the built-in field types look like nearly always, as expressions of generated functions.

Each expression takes such a value without calling its field, and leaves every other value to the field's own method:
where one says yes, the method would have said the same. A field type that overrides the method in question is never
written out; its method is called.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

from pbhost.model import Field

from ..casting import to_list, to_number
from ..datetext import known_date, remembered_date
from ..fieldtypes.autodate import AutodateField
from ..fieldtypes.bool import BoolField
from ..fieldtypes.choices import ChoicesField
from ..fieldtypes.date import DateField
from ..fieldtypes.editor import DEFAULT_MAX_SIZE as EDITOR_SIZE
from ..fieldtypes.editor import EditorField
from ..fieldtypes.email import EmailField
from ..fieldtypes.geopoint import GeoPointField
from ..fieldtypes.json import DEFAULT_MAX_SIZE as JSON_SIZE
from ..fieldtypes.json import EMPTY_TEXTS, JsonField
from ..fieldtypes.number import NumberField
from ..fieldtypes.password import Password, PasswordField
from ..fieldtypes.plain import PlainTextField
from ..fieldtypes.relation import RelationField
from ..fieldtypes.select import SelectField
from ..fieldtypes.text import DEFAULT_ID, DEFAULT_ID_PATTERN, DEFAULT_MAX, TextField
from ..fieldtypes.url import UrlField
from ..jsontext import JsonText, json_of

#: No more than this many bytes of UTF-8 (of surrogates, too) come of one character.
_BYTES_PER_CHARACTER = 4


#: The condition of a field whose value is always good.
ALWAYS = "True"


class Scope(dict[str, object]):
    """The names that generated text may use, other than its own variables."""

    def name(self, value: object) -> str:
        """A new name for an object; the text of a schema is never part of it."""
        name = f"n{len(self)}"
        self[name] = value
        return name


# -- the value of a field that was never set ---------------------------------------------------------------------------


def zero(field: Field, scope: Scope) -> str:
    """``field.zero()``; what can be changed in place is made anew each time."""
    own = type(field).zero
    if own in (PlainTextField.zero, DateField.zero, AutodateField.zero):
        return "''"
    if own is NumberField.zero:
        return "0.0"
    if own is BoolField.zero:
        return "False"
    if own is JsonField.zero:
        return "None"
    if own is ChoicesField.zero:
        return "[]" if field.is_multiple else "''"
    return f"{scope.name(field.zero)}()"


# -- a submitted value -------------------------------------------------------------------------------------------------

#: A conversion that does what ``field.set`` does for the bare name and one class of values.
Cast: TypeAlias = Callable[[object], object]
#: The class whose values are taken as they are; the class whose values are cast; how.
Assignment: TypeAlias = "tuple[type | None, type | None, Cast]"


def _not_cast(value: object) -> object:
    return value


#: Every value is the field's to set.
NO_ASSIGNMENT: Assignment = (None, None, _not_cast)


def assignment(field: Field, key: str) -> Assignment:
    """How the usual values of a body key are taken without asking ``field.set``."""
    own, cast = type(field).set, type(field).normalize
    if key == field.name:
        if own is TextField.set or (own is Field.set and cast is PlainTextField.normalize):
            return str, None, _not_cast
        if own is Field.set and cast is BoolField.normalize:
            return bool, None, _not_cast
        if own is NumberField.set:
            return float, int, to_number
        if own is Field.set and cast is DateField.normalize:
            return None, str, _cast_date
        if own is Field.set and cast is JsonField.normalize:
            return None, dict, json_of
        if own is ChoicesField.set and _has_one_choice(field):
            return None, str, _cast_choice
    return NO_ASSIGNMENT


def _has_one_choice(field: Field) -> bool:
    return isinstance(field, ChoicesField) and type(field)._shape is ChoicesField._shape and not field.is_multiple


def _cast_choice(value: object) -> object:
    assert isinstance(value, str), "only texts are cast by this"
    if "[" not in value:
        return value
    items = to_list(value)
    return items[-1] if items else ""


def _cast_date(value: object) -> object:
    assert isinstance(value, str), "only texts are cast by this"
    return known_date(value) or remembered_date(value)


# -- a value that is stored or read ------------------------------------------------------------------------------------


def bound(field: Field, value: str, scope: Scope) -> str:
    """``field.to_db(value)``; ``value`` is the name of a variable."""
    own = type(field).to_db
    if own in (DateField.to_db, AutodateField.to_db):
        return _date(value, scope)
    call = f"{scope.name(field.to_db)}({value})"
    if own is PlainTextField.to_db:
        return f"({value} if {value}.__class__ is str else {call})"
    if own is NumberField.to_db:
        return f"({value} if {value}.__class__ is float else {call})"
    if own is BoolField.to_db:
        return f"(1 if {value} is True else 0 if {value} is False else {call})"
    if own is JsonField.to_db:
        text = scope.name(JsonText)
        return f"(None if {value} is None else {value}.text if {value}.__class__ is {text} else {call})"
    if own is ChoicesField.to_db and field.is_multiple:
        return f"('[]' if {value}.__class__ is list and not {value} else {call})"
    if own is ChoicesField.to_db:
        # Other characters may have no UTF-8 form.
        return f"({value} if {value}.__class__ is str and {value}.isascii() and '[' not in {value} else {call})"
    return call


def read(field: Field, value: str, scope: Scope) -> str:
    """``field.from_db(value)``; ``value`` is the name of a variable."""
    own = type(field).from_db
    if own in (DateField.from_db, AutodateField.from_db):
        return _date(value, scope)
    call = f"{scope.name(field.from_db)}({value})"
    if own is PlainTextField.from_db:
        return f"({value} if {value}.__class__ is str else {call})"
    if own is NumberField.from_db:
        return f"({value} if {value}.__class__ is float else {call})"
    if own is BoolField.from_db:
        return f"({value} != 0 if {value}.__class__ is int else {call})"
    if own is JsonField.from_db:
        return f"(None if {value} is None else {call})"
    if own is ChoicesField.from_db and _has_one_choice(field):
        return f"({value} if {value}.__class__ is str and '[' not in {value} else {call})"
    return call


def _date(value: str, scope: Scope) -> str:
    is_usual = f"{value}.__class__ is str and (not {value} or {scope.name(known_date)}({value}))"
    return f"({value} if {is_usual} else {scope.name(remembered_date)}({value}))"


# -- the checks --------------------------------------------------------------------------------------------------------


def passes(field: Field, value: str, scope: Scope) -> str:
    """A condition under which ``field.validate(value)`` is None; it may ask the variables ``record`` and ``is_new``.

    Returns:
        "" if there is no condition that is worth asking; ``ALWAYS`` if the value is good whatever it is.
    """
    # The methods that check a value call others of their class, so a subclass is somebody else.
    write = _CONDITIONS.get(type(field))
    return "" if write is None else write(field, value, scope)


def _text(field: Field, value: str, scope: Scope) -> str:
    assert isinstance(field, TextField)
    is_text = f"{value}.__class__ is str"
    if not _are(int, field.min, field.max):
        return ""
    least, most = max(field.min, 1), field.max or DEFAULT_MAX
    has_usual_pattern = field.pattern == DEFAULT_ID_PATTERN
    conditions = [f"{least} <= len({value}) <= {most}"]
    if has_usual_pattern:
        conditions.append(f"{scope.name(DEFAULT_ID.fullmatch)}({value})")
    is_good = " and ".join(conditions)
    if field.primary_key:
        is_same = f"{value} == record.original.get({field.name!r})"
        return f"{is_text} and (({is_good}) if is_new else {is_same})" if has_usual_pattern else ""
    if field.pattern and not has_usual_pattern:
        return "" if field.required else f"{is_text} and not {value}"
    return f"{is_text} and ({is_good})" if field.required else f"{is_text} and (not {value} or {is_good})"


def _editor(field: Field, value: str, scope: Scope) -> str:
    assert isinstance(field, EditorField)
    if not _are(int, field.max_size):
        return ""
    most = (field.max_size or EDITOR_SIZE) // _BYTES_PER_CHARACTER
    return f"{value}.__class__ is str and {int(field.required)} <= len({value}) <= {most}"


def _empty_text(field: Field, value: str, scope: Scope) -> str:
    return "" if field.required else f"{value}.__class__ is str and not {value}"


def _number(field: Field, value: str, scope: Scope) -> str:
    assert isinstance(field, NumberField)
    conditions = []
    for bound, comparison in ((field.min, "<="), (field.max, ">=")):
        if bound is None:
            continue
        if not (type(bound) is int or (type(bound) is float and math.isfinite(bound))):
            return ""
        conditions.append(f"{bound!r} {comparison} {value}")
    if field.only_int:
        conditions.append(f"{value}.is_integer()")
    is_good = " and ".join(conditions) or "True"
    is_finite = f"{value}.__class__ is float and {value} - {value} == 0"
    return (
        f"{is_finite} and ({value} != 0 and {is_good})"
        if field.required
        else f"{is_finite} and ({value} == 0 or {is_good})"
    )


def _bool(field: Field, value: str, scope: Scope) -> str:
    return f"{value} is True" if field.required else ALWAYS


def _moment(field: Field, value: str, scope: Scope) -> str:
    assert isinstance(field, DateField)
    if not _are(str, field.min, field.max):
        return ""
    conditions = [f"{scope.name(known_date)}({value})"]
    if field.min:
        conditions.append(f"{field.min!r} <= {value}")
    if field.max:
        conditions.append(f"{value} <= {field.max!r}")
    is_good = " and ".join(conditions)
    is_text = f"{value}.__class__ is str"
    return f"{is_text} and {is_good}" if field.required else f"{is_text} and (not {value} or {is_good})"


def _select(field: Field, value: str, scope: Scope) -> str:
    assert isinstance(field, SelectField)
    values = field.values or []
    if not _are(str, *values) or not _are(int, field.max_select):
        return ""
    # A text with a bracket may be taken for a list.
    known = scope.name(frozenset(item for item in values if item and "[" not in item))
    if not field.is_multiple:
        is_good = f"{value} in {known}" if field.required else f"(not {value} or {value} in {known})"
        return f"{value}.__class__ is str and {is_good}"
    size = f"{int(field.required)} <= len({value}) <= {field.max_select}"
    return f"{value}.__class__ is list and {size} and {scope.name(_are_among)}({value}, {known})"


def _are_among(items: list[object], known: frozenset[str]) -> bool:
    for item in items:  # noqa: SIM110 - a generator would cost more than the rest
        if item.__class__ is not str or item not in known:
            return False
    return True


def _relation(field: Field, value: str, scope: Scope) -> str:
    # Ids have to be looked up; only what names none is done with.
    return "" if field.required else f"{value}.__class__ is {'list' if field.is_multiple else 'str'} and not {value}"


def _json(field: Field, value: str, scope: Scope) -> str:
    assert isinstance(field, JsonField)
    if not _are(int, field.max_size) or field.schema is not None:
        return "" if field.required else f"{value} is None"
    most = (field.max_size or JSON_SIZE) // _BYTES_PER_CHARACTER
    is_good = f"{value}.__class__ is {scope.name(JsonText)} and len({value}.text) <= {most}"
    if field.required:
        return f"{is_good} and {value}.text not in {scope.name(EMPTY_TEXTS)}"
    return f"({value} is None or {is_good})"


def _point(field: Field, value: str, scope: Scope) -> str:
    return "" if field.required else f"{value}.__class__ is dict and {value} == {scope.name(field.zero())}"


def _password(field: Field, value: str, scope: Scope) -> str:
    is_stored = f"{value}.__class__ is {scope.name(Password)} and {value}.plain is None"
    return f"{is_stored} and {value}.hash" if field.required else is_stored


def _are(kind: type, *values: object) -> bool:
    return all(type(value) is kind for value in values)


_CONDITIONS: Mapping[type[Field], Callable[[Field, str, Scope], str]] = {
    TextField: _text,
    EditorField: _editor,
    NumberField: _number,
    BoolField: _bool,
    EmailField: _empty_text,
    UrlField: _empty_text,
    DateField: _moment,
    SelectField: _select,
    RelationField: _relation,
    JsonField: _json,
    GeoPointField: _point,
    PasswordField: _password,
}
