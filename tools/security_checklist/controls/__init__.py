"""The controls: a module for each family; their order is that of the list here."""

from __future__ import annotations

from ..control import controls_in
from . import (
    authentication,
    authorization,
    configuration,
    inputs,
    limits,
    outbound,
)

CONTROLS = controls_in(
    authentication,
    authorization,
    inputs,
    outbound,
    limits,
    configuration,
)
