"""Who may do what: an owner without login, the application, a reader, what runs for all tenants."""

from __future__ import annotations

from ..logical.model import Logical
from ..promises.model import Session


def role(logical: Logical, session: Session) -> str:
    """The name of a role of the design: `shop_app`. PostgreSQL keeps names with `pg_` to itself."""
    name = logical.domain.name
    return f"{'db_' if name.startswith('pg_') else ''}{name}_{session}"
