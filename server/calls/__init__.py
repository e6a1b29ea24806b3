"""The tools of the server: a module each, with the arguments, the description and the request."""

from __future__ import annotations

from .design_schema import TOOL as DESIGN_SCHEMA
from .plan_migration import TOOL as PLAN_MIGRATION
from .review_api import TOOL as REVIEW_API
from .review_schema import TOOL as REVIEW_SCHEMA
from .security_checklist import TOOL as SECURITY_CHECKLIST

TOOLS = (REVIEW_API, REVIEW_SCHEMA, DESIGN_SCHEMA, PLAN_MIGRATION, SECURITY_CHECKLIST)
"""In the order in which clients see them."""
