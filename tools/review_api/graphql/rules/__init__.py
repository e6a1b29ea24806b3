"""The GraphQL rules, one module a theme. A new module is added to this tuple."""

from ....rule import rules_in
from . import deprecation, mutations, naming, pagination, reach, security, types, validity

RULES = rules_in(validity, types, pagination, mutations, deprecation, reach, security, naming)
