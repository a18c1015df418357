"""A field type ``money`` and the function of the filter language that goes with it."""

from __future__ import annotations

from pbhost import App, Field, hookimpl
from pbhost_money_field.field import MoneyField
from pbhost_money_field.function import MoneyFunction
from pbhost_money_field.money import Money

__all__ = ["Money", "MoneyField", "MoneyFieldPlugin", "plugin"]


class MoneyFieldPlugin:
    """The hooks of this plugin."""

    NAME = "money_field"
    requires_pbhost = ">=0.1,<1"
    requires_services = ("collections", "records")

    @hookimpl
    def register_field_types(self, app: App) -> list[type[Field]]:
        """``{"name": "price", "type": "money"}``."""
        return [MoneyField]

    @hookimpl
    def register_filter_functions(self, app: App) -> list[MoneyFunction]:
        """``money(price, 'EUR') < 2000``."""
        return [MoneyFunction(app.db.dialect)]


plugin = MoneyFieldPlugin()
