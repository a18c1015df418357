"""The field types of records.md 12, except ``file``, which belongs to builtin_files."""

from __future__ import annotations

from pbhost.model import Field

from .autodate import AutodateField
from .bool import BoolField
from .date import DateField
from .editor import EditorField
from .email import EmailField
from .geopoint import GeoPointField
from .json import JsonField
from .number import NumberField
from .password import PasswordField
from .relation import RelationField
from .select import SelectField
from .text import TextField
from .url import UrlField

FIELD_TYPES: tuple[type[Field], ...] = (
    TextField,
    EditorField,
    NumberField,
    BoolField,
    EmailField,
    UrlField,
    DateField,
    AutodateField,
    SelectField,
    RelationField,
    JsonField,
    GeoPointField,
    PasswordField,
)
