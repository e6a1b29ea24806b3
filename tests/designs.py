"""What tests of designs share: a model with most of what a model can say, and its parts."""

from __future__ import annotations

from functools import cache

from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.design_schema.domain.model import Domain
from backend_architect.tools.design_schema.domain.reading import read
from backend_architect.tools.design_schema.logical.relations import logical
from backend_architect.tools.design_schema.physical.blueprint import Blueprint
from backend_architect.tools.design_schema.physical.building import physical

BILLING = """
name: billing
tenancy: {kind: shared, entity: organisation}
audit: who_when
entities:
  - name: organisation
    purpose: A customer of ours
    key: {public_id: true}
    attributes:
      - {name: name, type: text, max_length: 200}
      - {name: slug, type: text, max_length: 63, unique: true, pattern: "^[a-z0-9-]+$"}
  - name: member
    attributes:
      - {name: email, type: email, unique: true, sensitivity: personal}
      - {name: role, type: enum, values: [owner, admin, viewer], default: viewer}
    soft_delete: true
  - name: invoice
    attributes:
      - {name: number, type: text, max_length: 20, unique: true, immutable: true}
      - {name: status, type: enum, values: [draft, sent, paid, void], default: draft}
      - {name: total, type: money, currency: EUR, minimum: 0}
      - {name: service, type: date_period}
      - {name: sent_at, type: instant, required: false}
    states:
      attribute: status
      initial: [draft]
      transitions: {draft: [sent, void], sent: [paid, void]}
    invariants:
      - {kind: balance, children: line, sum_of: amount, to: total}
      - {kind: no_overlap, period: service, per: [member]}
      - {kind: check, name: total_small, expression: "total < 1000000"}
      - {kind: required_when, attribute: sent_at, when: "status <> 'draft'"}
      - {kind: at_most, children: payment, count: 3}
    concurrency: optimistic
  - name: line
    attributes:
      - {name: amount, type: money, currency: EUR}
      - {name: note, type: text, required: false, max_length: 500}
  - name: tag
    shared: true
    attributes: [{name: label, type: text, max_length: 50, unique: true}]
  - name: payment
    attributes:
      - {name: method, type: enum, values: [card, sepa], growth: often}
      - {name: at, type: instant}
    invariants: [{kind: append_only}]
  - name: card_payment
    subtype_of: {entity: payment}
    attributes: [{name: last4, type: text, pattern: "^[0-9]{4}$", max_length: 4}]
  - name: folder
    attributes: [{name: name, type: text, max_length: 80}]
    invariants: [{kind: acyclic, relationship: parent}]
relationships:
  - {name: member, source: invoice, target: member}
  - {name: invoice, source: line, target: invoice, owned: true, ordered: true,
     sources_per_target: "1..*"}
  - {name: tag, source: invoice, target: tag, targets_per_source: "0..5"}
  - {name: invoice, source: payment, target: invoice}
  - {name: manager, source: member, target: member, targets_per_source: "0..1"}
  - {name: parent, source: folder, target: folder, targets_per_source: "0..1"}
"""


@cache
def billing() -> Domain:
    """The model."""
    return read(BILLING, "billing.yaml")


@cache
def blueprint(dialect: Dialect, version: tuple[int, ...] = ()) -> Blueprint:
    """Its schema for an engine."""
    return physical(logical(billing()), dialect, version)
