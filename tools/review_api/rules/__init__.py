"""The API rules, one module a theme. A new module is added to this tuple."""

from ...rule import rules_in
from . import operations, pagination, paths, references, responses, schemas, security, validity

RULES = rules_in(validity, references, paths, operations, responses, security, schemas, pagination)
