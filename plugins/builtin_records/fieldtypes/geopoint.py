"""``geoPoint``: a longitude and a latitude."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import orjson

from pbhost.database import SqlValue
from pbhost.errors import REQUIRED, ErrorTree, FieldError
from pbhost.model import FieldValue, Record, StorageKind, ValueCheck, ValueTypes

from ..jsontext import json_number, number_spelling
from .options import OptionField

_LATITUDE = FieldError("validation_invalid_latitude", "Latitude must be between -90 and 90 degrees.")
_LONGITUDE = FieldError("validation_invalid_longitude", "Longitude must be between -180 and 180 degrees.")


@dataclass(kw_only=True)
class GeoPointField(OptionField):
    """A point ``{"lon": …, "lat": …}``; (0, 0) is the zero value."""

    type: ClassVar[str] = "geoPoint"
    kind: ClassVar[StorageKind] = "geo"

    def zero(self) -> FieldValue:
        return {"lon": 0.0, "lat": 0.0}

    def normalize(self, value: object) -> FieldValue:
        lon, lat = _point(value)
        return {"lon": lon, "lat": lat}

    def from_db(self, value: SqlValue) -> FieldValue:
        return self.normalize(value)

    def to_db(self, value: FieldValue) -> SqlValue:
        lon, lat = _point(value)
        return f'{{"lon":{number_spelling(lon)},"lat":{number_spelling(lat)}}}'

    def to_json(self, value: FieldValue) -> object:
        lon, lat = _point(value)
        return {"lon": json_number(lon), "lat": json_number(lat)}

    def value_types(self) -> ValueTypes:
        return ValueTypes(
            python="dict[str, float]",
            python_input="Mapping[str, float]",
            typescript="{ lon: number; lat: number }",
            imports=("from collections.abc import Mapping",),
        )

    def validate(self, value: FieldValue, record: Record, check: ValueCheck) -> FieldError | ErrorTree | None:
        lon, lat = _point(value)
        if lon == 0 and lat == 0:
            return REQUIRED if self.required else None
        if not -90 <= lat <= 90:
            return _LATITUDE
        return None if -180 <= lon <= 180 else _LONGITUDE


def _point(value: object) -> tuple[float, float]:
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return 0.0, 0.0
    if not isinstance(value, dict):
        return 0.0, 0.0
    return _member(value.get("lon")), _member(value.get("lat"))


def _member(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return 0.0
    try:
        return float(value)
    except OverflowError:
        return 0.0
