"""The API rules, one module a theme. A new module is added to this tuple."""

from ...rule import rules_in
from . import paths

RULES = rules_in(paths)
