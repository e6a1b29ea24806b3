"""Whether a function of PostgreSQL gives another value on each call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

ORDER: Final = ("immutable", "stable", "volatile")


@cache
def built_in() -> Mapping[str, str]:
    """PostgreSQL 18's functions, and those of uuid-ossp and pgcrypto, by name (`provolatile`).

    One with several signatures has the worst of theirs. What is named in expressions is there;
    support functions of types, operators and indexes are not.
    """
    data = json.loads(Path(__file__).with_name("volatility.json").read_text("utf-8"))
    return {name: kind for kind in ORDER for name in data[kind]}
