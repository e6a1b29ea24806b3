"""The controls: a module for each family; their order is that of the list here."""

from __future__ import annotations

from ..control import controls_in
from . import (
    authentication,
    authorization,
    configuration,
    data,
    database,
    infrastructure,
    inputs,
    limits,
    operations,
    outbound,
    sessions,
    tenancy,
)

CONTROLS = controls_in(
    authentication,
    sessions,
    authorization,
    tenancy,
    inputs,
    outbound,
    limits,
    infrastructure,
    data,
    database,
    operations,
    configuration,
)
