"""A section of the settings that superusers change through the API, checked on each save."""

from pbhost import FieldError, hookimpl
from pbhost.services import SettingsSection


def check(section):
    if section["perDay"] < 1:
        return {"perDay": FieldError("validation_min", "At least one.")}
    return {}


@hookimpl
def register_settings_sections(app):
    return [SettingsSection("newsletter", {"perDay": 1, "key": ""}, check, secrets=frozenset({"key"}))]
