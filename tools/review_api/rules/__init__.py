"""The API rules, one module a theme. A new module is added to this tuple."""

from ...rule import rules_in
from . import (
    access,
    bounds,
    casing,
    components,
    composition,
    consistency,
    http,
    operations,
    pagination,
    paths,
    references,
    responses,
    satisfiability,
    schemas,
    security,
    suppression,
    transport,
    validity,
)

RULES = rules_in(
    validity,
    references,
    paths,
    http,
    operations,
    responses,
    security,
    access,
    transport,
    schemas,
    satisfiability,
    composition,
    components,
    pagination,
    bounds,
    casing,
    consistency,
    suppression,
)
