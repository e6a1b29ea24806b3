"""The authorisation matrix: each operation, what a call needs, the objects it can name."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from ...openapi import authorization
from ...openapi.api import Api, Operation
from ...openapi.authorization import Identifier, Outlier, Row
from ...report import Finding, View
from .cells import operations, text, texts


def matrix(api: Api, findings: Iterable[Finding], below: str) -> View:
    """A row for each operation; `outliers` ask for less than operations beside them.

    It tells what the document declares. Whether a server checks it is for tests to show.
    """
    shown = dict.fromkeys(operations(api, below))
    rows = [row for row in authorization.matrix(api) if row.operation in shown]
    outliers = [each for each in authorization.outliers(api) if each.row.operation in shown]
    remarks: dict[Operation, list[str]] = defaultdict(list)
    for each in outliers:
        remarks[each.row.operation].append(each.kind.value)
    needs = Counter(text(row.access) for row in rows)
    head: dict[str, Any] = {
        "operations": len(rows),
        "needs": dict(needs.most_common()),
        "outlier_count": len(outliers),
        "outliers": [_outlier(each) for each in outliers],
    }
    return View("matrix", head, tuple(_row(row, remarks[row.operation]) for row in rows))


def _outlier(each: Outlier) -> dict[str, Any]:
    return {
        "operation": text(each.row.operation),
        "kind": each.kind.value,
        "needs": text(each.row.access),
        "beside": text(each.contrast.operation),
        "which_needs": text(each.contrast.access),
        "support": each.support,
    }


def _row(row: Row, remarks: list[str]) -> dict[str, Any]:
    return {
        "operation": text(row.operation),
        "needs": text(row.access),
        "objects": [_object(each) for each in row.identifiers],
        "purposes": sorted(row.purposes),
        "denials": list(row.denials),
        "remarks": remarks + texts(row.access.credential_parameters),
    }


def _object(each: Identifier) -> dict[str, Any]:
    return {
        "name": text(each.name, 100),
        "in": each.where,
        "type": each.kind,
        "guessable": each.guessable,
    }
