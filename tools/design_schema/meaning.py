"""What the name of a column says about its values."""

from __future__ import annotations

import re
from typing import Final

from ..ddl.model import Column, Table
from ..ddl.types import Family
from ..names import words

TEXTS: Final = (Family.TEXT, Family.VARCHAR, Family.CHAR)

_UNIT = r"(?:_(?:usd|eur|gbp|net|gross|paid|due|total|amount|value|sum))*_$"
_MONEY: Final = re.compile(
    r"_(prices?|salary|wages?|balance|amount|amt|fees?|costs?|revenue|payments?|freight|tax|vat|subtotal"
    rf"|sub_total|(?:grand|order|invoice|cart)_total){_UNIT}"
)
_SURE_MONEY: Final = re.compile(
    rf"_(prices?|salary|amount|balance|subtotal|sub_total|(?:grand|order|invoice)_total){_UNIT}"
)
_NO_MONEY: Final = re.compile(
    r"_(rate|ratio|percent|percentage|pct|factor|score|white|planner|query|startup|cpu|time|weight"
    r"|volume|ingredient|dose|rain|rainfall|water|energy|per|path|edge|move|work)_"
)
_MONEY_TABLE: Final = re.compile(
    r"_(orders?|invoices?|bills?|bill|payments?|sales?|purchases?|carts?|receipts?|transactions?)_"
)
_MOMENT: Final = re.compile(
    r"^(?:.*_(?:at|datetime|timestamp)|.*(?:created|updated|modified|deleted|expir\w*|start|end|due"
    r"|order|ship|shipped|hire|birth|payment|invoice|delivery|purchase)_(?:date|time|on)"
    r"|_date_of_birth|_birthdate|_birthday|_hiredate)_$"
)
_PASSIVE: Final = re.compile(r"_\w*(?:ed|sent|paid|begun|seen|made|due|run|built|bought|sold)_at_$")


def is_money(table: Table, column: Column) -> bool:
    """Whether the name tells an exact amount of money: `unit_price`, `salary`; no rate or score."""
    name = words(column.name)
    if _NO_MONEY.search(name):
        return False
    if name == "_total_":
        return _MONEY_TABLE.search(words(table.name.name)) is not None
    return _MONEY.search(name) is not None


def is_surely_money(column: Column) -> bool:
    """As `is_money`, only by names that hardly ever mean a text: `price`, not `tax`."""
    name = words(column.name)
    return _SURE_MONEY.search(name) is not None and not _NO_MONEY.search(name)


def is_moment(column: Column) -> bool:
    """Whether the name tells a date or a time: `created_at`, `birth_date`, `expires_on`."""
    name = words(column.name)
    if name.endswith("_at_"):
        return _PASSIVE.search(name) is not None or name in (
            "_expires_at_",
            "_starts_at_",
            "_ends_at_",
        )
    return _MOMENT.search(name) is not None


def is_flag(column: Column) -> bool:
    """Whether the name tells yes or no: `is_active`, `has_children`."""
    return re.match(r"_(is|has|can|should|was)_\w", words(column.name)) is not None


def numbered(name: str) -> tuple[str, int] | None:
    """A name's stem and the number it ends in: `tag_2`, `tag2`."""
    match = re.fullmatch(r"(.*[^\d_])_?(\d{1,3})", name)
    return (match[1], int(match[2])) if match else None
