"""Rules about conditions that never do what they say: checks, predicates, domains."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from ...ddl.model import Check, Dialect, Domain, Schema, Table
from ...engines.limits import quote
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, Place, rule
from ..access import is_nullable
from ..context import Context, Part
from ..literals import without_strings
from ..predicates import always, condition, never
from ..remedies import written

_CHECKS = (
    "https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-CHECK-CONSTRAINTS"
)
_COMPARISON = "https://www.postgresql.org/docs/current/functions-comparison.html"
_MYSQL_CHECKS = "https://dev.mysql.com/doc/refman/8.4/en/create-table-check-constraints.html"
_DOMAINS = "https://www.postgresql.org/docs/current/sql-createdomain.html"


@rule(
    "schema/comparison-with-null",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="schema",
    fix="Use IS NULL or IS NOT NULL, and take NULL out of lists",
    references=[
        _COMPARISON,
        _CHECKS,
        "https://dev.mysql.com/doc/refman/8.4/en/working-with-null.html",
    ],
    bad="""
    CREATE TABLE users (
        id bigint PRIMARY KEY, state text NOT NULL CHECK (state IN ('new', 'open', NULL))
    );
    """,
    good="""
    CREATE TABLE users (
        id bigint PRIMARY KEY, state text CHECK (state IN ('new', 'open') OR state IS NULL)
    );
    """,
)
def comparison_with_null(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A condition compares with NULL.

    `x = NULL` is NULL whatever x is, and `x IN ('a', NULL)` is never false. A check passes when it
    is NULL, so it rejects nothing; a predicate of an index or a policy then covers nothing.
    """
    for at, what, text in _conditions(schema, ctx):
        found = _NULL.search(without_strings(text))
        if found:
            yield Hit(at, f"{what} compares with NULL", evidence=text)


_NULL = re.compile(
    r"(?<![<>=!:])(?:=|<>|!=)\s*\(?\s*NULL\b(?!\s*\.)"
    r"|\bIN\s*\((?:[^()]*,)?\s*NULL\s*(?:::[\w ]+)?(?:,[^()]*)?\)"
    r"|\bANY\s*\(+\s*ARRAY\s*\[(?:[^\[\]]*,)?\s*NULL\s*(?:::[\w ]+)?(?:,[^\[\]]*)?\]",
    re.I,
)


def _conditions(schema: Schema, ctx: Context) -> Iterator[tuple[Place, str, str]]:
    """Every condition that is stored: where, of what, and its text."""
    for table in ctx.tables:
        name = quoted(table.name)
        for check in table.checks.values():
            if not check.inherited:
                yield (
                    ctx.of(Part(table, check)),
                    f"{_called(check)} of {name}",
                    (check.expression),
                )
        for index in table.indexes.values():
            if index.where:
                yield (
                    ctx.of(Part(table, index)),
                    f"the index {quoted(index.name)} of {name}",
                    (index.where),
                )
        for policy in table.policies.values():
            for text in (policy.using, policy.check):
                if text:
                    what = f"the policy {quoted(policy.name)} of {name}"
                    yield ctx.of(Part(table, policy)), what, text
        for trigger in table.triggers.values():
            if trigger.when:
                what = f"the trigger {quoted(trigger.name)} of {name}"
                yield ctx.of(Part(table, trigger)), what, trigger.when
    for domain in schema.domains.values():
        for check in domain.checks.values():
            what = f"{_called(check)} of the domain {quoted(domain.name)}"
            yield _of_domain(ctx, domain, check), what, check.expression
    for view in schema.views.values():
        yield ctx.of_table(view), f"the view {quoted(view.name)}", view.query


def _called(check: Check) -> str:
    return f"the check {quoted(check.name)}" if check.name else "a check"


def _of_domain(ctx: Context, domain: Domain, check: Check) -> Place:
    return ctx.place(check if check.at else domain, "domains", str(domain.name), check.name)


@rule(
    "schema/check-never-true",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="schema",
    fix="Correct the bounds, or join the conditions by OR",
    references=[_CHECKS, _MYSQL_CHECKS],
    bad="""
    CREATE TABLE orders (
        id bigint PRIMARY KEY, total integer NOT NULL CHECK (total > 5 AND total < 3)
    );
    """,
    good="""
    CREATE TABLE orders (
        id bigint PRIMARY KEY, total integer NOT NULL CHECK (total > 3 AND total < 5)
    );
    """,
)
def check_never_true(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """No value passes the checks.

    Every INSERT fails, unless the column is NULL, which passes any check.
    """
    for table in ctx.tables:
        checks = [c for c in table.checks.values() if c.enforced and not c.no_inherit]
        parts = [condition(check.expression) for check in checks]
        if never(parts) is None:
            continue
        # The first check after which nothing is left.
        ends = range(1, len(parts) + 1)
        end = bisect_left(ends, True, key=lambda end: never(parts[:end]) is not None) + 1
        subject, check = never(parts[:end]) or "", checks[end - 1]
        column = table.columns.get(subject)
        of = f" of {quoted(subject)}" if subject else ""
        rest = " but NULL" if column and is_nullable(schema, table, column.name) else ""
        others = "" if never([parts[end - 1]]) is not None else " together with the other checks"
        yield Hit(
            ctx.of(Part(table, check)),
            f"no value{of}{rest} passes {_called(check)} of {quoted(table.name)}{others}",
            evidence=check.expression,
        )
    for domain in schema.domains.values():
        for check in domain.checks.values():
            if never([condition(check.expression)]) is not None:
                yield Hit(
                    _of_domain(ctx, domain, check),
                    f"no value passes {_called(check)} of the domain {quoted(domain.name)}",
                    evidence=check.expression,
                )


@rule(
    "schema/check-always-true",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="schema",
    fix="Join the conditions by AND, or drop the check",
    references=[_CHECKS, _MYSQL_CHECKS],
    bad="""
    CREATE TABLE orders (
        id bigint PRIMARY KEY, state text NOT NULL CHECK (state <> 'gone' OR state <> 'lost')
    );
    """,
    good="""
    CREATE TABLE orders (
        id bigint PRIMARY KEY, state text NOT NULL CHECK (state <> 'gone' AND state <> 'lost')
    );
    """,
)
def check_always_true(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A check passes for every value.

    It rejects nothing. Mostly an OR stands where AND was meant: nothing equals two values at once.
    """
    for table in ctx.tables:
        for check in table.checks.values():
            if not check.inherited and always(condition(check.expression)):
                yield Hit(
                    ctx.of(Part(table, check)),
                    f"every value passes {_called(check)} of {quoted(table.name)}",
                    evidence=check.expression,
                )


@rule(
    "schema/duplicate-check",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="table",
    fix="Keep one of them",
    references=[_CHECKS],
    bad="""
    CREATE TABLE orders (
        id bigint PRIMARY KEY,
        total integer NOT NULL,
        CONSTRAINT total_positive CHECK (total > 0),
        CONSTRAINT orders_total_check CHECK (total > 0)
    );
    """,
    good="""
    CREATE TABLE orders (
        id bigint PRIMARY KEY,
        total integer NOT NULL,
        CONSTRAINT total_positive CHECK (total > 0)
    );
    """,
)
def duplicate_check(table: Table, ctx: Context) -> Iterator[Hit]:
    """Two checks of a table are the same.

    Both are evaluated for every row that is written.
    """
    checks = [c for c in table.checks.values() if c.enforced and not c.inherited]
    seen: dict[tuple[str, bool], Check] = {}
    for check in checks if len(checks) > 1 else ():
        first = seen.setdefault((_same(ctx, check.expression), check.no_inherit), check)
        if first is not check:
            yield Hit(
                ctx.of(Part(table, check)),
                f"{_called(check)} of {quoted(table.name)} is the same as {quoted(first.name)}",
                evidence=check.expression,
                ddl=_drop_check(ctx, table, check if first.valid else first),
                related=(ctx.of(Part(table, first)),),
            )


def _same(ctx: Context, expression: str) -> str:
    if ctx.is_postgres:
        from ...ddl.expressions import canonical

        return canonical(expression)
    return " ".join(expression.split())


def _drop_check(ctx: Context, table: Table, check: Check) -> tuple[str, ...]:
    if ctx.dialect is Dialect.SQLITE:
        return ()
    kind = "CHECK" if ctx.dialect is Dialect.MYSQL else "CONSTRAINT"
    name = quote(ctx.dialect, check.name)
    return (f"ALTER TABLE {written(ctx, table.name)} DROP {kind} {name}",)


@rule(
    "schema/check-not-enforced",
    Severity.WARNING,
    FindingClass.RISK,
    on="table",
    fix="Enforce it, or drop it",
    references=[_MYSQL_CHECKS, "https://www.postgresql.org/docs/current/sql-createtable.html"],
    bad="""
    -- mysql 8.0
    CREATE TABLE orders (
        id bigint PRIMARY KEY, total integer NOT NULL, CHECK (total > 0) NOT ENFORCED
    );
    """,
    good="""
    -- mysql 8.0
    CREATE TABLE orders (id bigint PRIMARY KEY, total integer NOT NULL, CHECK (total > 0));
    """,
)
def check_not_enforced(table: Table, ctx: Context) -> Iterator[Hit]:
    """A check is not enforced.

    It is there to be read only. MySQL before 8.0 does the same with every check, without a word.
    """
    is_old = ctx.dialect is Dialect.MYSQL and (5,) <= ctx.version < _ENFORCING
    for check in table.checks.values():
        if (not check.enforced or is_old) and not check.inherited:
            yield Hit(
                ctx.of(Part(table, check)),
                f"{_called(check)} of {quoted(table.name)} is not enforced",
                evidence=check.expression,
            )


_ENFORCING = (8, 0)  # 8.0.16 to be exact, but versions are seldom given so exactly


@rule(
    "schema/domain-with-constraint",
    Severity.INFO,
    FindingClass.RISK,
    on="domain",
    opt_in=True,
    fix="Put the check on the columns",
    references=[_DOMAINS, "https://squawkhq.com/docs/ban-create-domain-with-constraint"],
    bad="""
    CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
    """,
    good="""
    CREATE DOMAIN amount AS integer;
    """,
)
def domain_with_constraint(domain: Domain, ctx: Context) -> Iterator[Hit]:
    """A domain has a constraint.

    Adding or changing one scans every table that uses the domain, under locks on all of them.
    Changing a column to such a domain writes the whole table anew.
    """
    if domain.checks or domain.not_null:
        yield Hit(
            ctx.place(domain, "domains", str(domain.name)),
            f"the domain {quoted(domain.name)} has a constraint",
        )


@rule(
    "schema/domain-not-null",
    Severity.INFO,
    FindingClass.RISK,
    on="domain",
    opt_in=True,
    fix="Let the domain take NULL, and declare NOT NULL on the columns",
    references=[_DOMAINS],
    bad="""
    CREATE DOMAIN code AS text NOT NULL;
    """,
    good="""
    CREATE DOMAIN code AS text;
    """,
)
def domain_not_null(domain: Domain, ctx: Context) -> Iterator[Hit]:
    """A domain is NOT NULL.

    A column of it can be NULL all the same: in the result of an outer join or of an empty
    subquery, which may then be inserted. The manual advises against it.
    """
    if domain.not_null:
        yield Hit(
            ctx.place(domain, "domains", str(domain.name)),
            f"the domain {quoted(domain.name)} is NOT NULL",
        )


@rule(
    "schema/values-in-check",
    Severity.INFO,
    FindingClass.STYLE,
    on="check",
    opt_in=True,
    fix="Reference a table that lists the values",
    references=[_CHECKS],
    bad="""
    CREATE TABLE orders (
        id bigint PRIMARY KEY, state text NOT NULL CHECK (state IN ('open', 'paid', 'sent'))
    );
    """,
    good="""
    CREATE TABLE states (name text PRIMARY KEY, label text NOT NULL);
    CREATE TABLE orders (id bigint PRIMARY KEY, state text NOT NULL REFERENCES states);
    CREATE INDEX ON orders (state);
    """,
)
def values_in_check(part: Part[Check], ctx: Context) -> Iterator[Hit]:
    """The values that a column takes are listed in a check.

    A new value needs a change of the schema and a scan of the table; the application cannot ask for
    the list.
    """
    table, check = part
    if not check.inherited and _LIST.search(check.expression):
        yield Hit(
            ctx.of(part),
            f"{_called(check)} of {quoted(table.name)} lists values",
            evidence=check.expression,
        )


_LIST = re.compile(r"\bIN\s*\(\s*['\d]|\bANY\s*\(+\s*ARRAY\s*\[", re.I)
