"""Who may read and do what, as far as a schema tells."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ....graphql.graph import Graph
from ....graphql.model import Field
from ....names import CREDENTIAL, words
from ....report import Confidence, FindingClass, Severity, quoted
from ....rule import Hit, rule
from .votes import outliers

AUTHORIZES = re.compile(
    r"^(auth|authenticated|authorize[d]?|isAuthenticated|hasRole|hasPermission|hasScope|requiresScopes|requiresAuth"
    r"|policy|guard|login|loginRequired|protected|aws_.*|can|role|roles)$",
    re.I,
)
API3 = "https://owasp.org/API-Security/editions/2023/en/0xa3-broken-object-property-level-authorization/"
API5 = "https://owasp.org/API-Security/editions/2023/en/0xa5-broken-function-level-authorization/"


@rule(
    "graphql/authorization-outlier",
    Severity.WARNING,
    FindingClass.RISK,
    on="schema",
    confidence=Confidence.MEDIUM,
    fix="Add the directive that the others have, or say in the description that anyone may call it",
    references=[API5, "CWE-862"],
    bad="""
    directive @auth on FIELD_DEFINITION
    type Query { a: Int }
    type Mutation {
      setA: P @auth
      setB: P @auth
      setC: P @auth
      setD: P @auth
      setE: P @auth
      setF: P @auth
      setG: P @auth
      setH: P @auth
      setI: P @auth
      setJ: P
    }
    type P { id: ID! }
    """,
    good="""
    directive @auth on FIELD_DEFINITION
    type Query { a: Int }
    type Mutation { setA: P @auth }
    type P { id: ID! }
    """,
)
def authorization_outlier(graph: Graph, _: Graph) -> Iterator[Hit]:
    """A mutation has no authorisation directive, unlike nearly all others.

    Whoever added it forgot it, and anyone may call it; or it is meant for guests and nothing says
    so. Reported where at least five mutations, and nine of ten, have such a directive. Those that
    come before a login are left out.
    """
    votes = [
        (any(AUTHORIZES.match(each.name) for each in field.directives), field)
        for field in graph.schema.mutations
        if not BEFORE_LOGIN.search(words(field.name))
    ]
    for field in outliers(votes, 5):
        yield Hit(
            field.place,
            f"{quoted(field.coordinate)} has no authorisation directive",
            cause="mutations without an authorisation directive",
            evidence=f"{sum(does for does, _ in votes)} of {len(votes)} mutations have one",
        )


@rule(
    "graphql/secret-readable",
    Severity.WARNING,
    FindingClass.RISK,
    on="field",
    confidence=Confidence.MEDIUM,
    fix="Remove the field; a secret is shown once, in the answer that creates it",
    references=[API3, "CWE-522"],
    bad="""
    type Query { me: User }
    type User { id: ID!, password: String }
    """,
    good="""
    type Query { me: User }
    type User { id: ID!, name: String }
    """,
)
def secret_readable(field: Field, graph: Graph) -> Iterator[Hit]:
    """A credential can be read.

    Whoever may read the object reads what it is kept safe by: logs, caches and other people's
    screens have it then.
    """
    owner = field.coordinate.partition(".")[0]
    if owner in graph.payloads or owner not in graph.reachable or field.deprecated is not None:
        return
    is_text = field.type.name in ("String", "ID")
    if is_text and CREDENTIAL.search(words(field.name)):
        message = f"{quoted(field.coordinate)} can be read"
        yield Hit(field.place, message, cause="credentials can be read")


BEFORE_LOGIN = re.compile(
    r"_(login|log_in|sign_?in|sign_?up|register|token|refresh|verify|reset|forgot|confirm|activate|logout)_"
)
