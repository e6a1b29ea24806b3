"""What holds between rows: periods apart, sums, numbers of children, trees, what is only added.

Where a rule is about several rows its trigger locks the row that they have in common first, so that
two transactions that keep it each alone do not break it together.
https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ...ddl.model import Argument, Dialect, Function, Trigger
from ...ddl.postgres.text import ident
from ...engines.limits import quote
from ..decision import Decision
from ..domain.model import AtMost, Balance, NoOverlap, children
from ..logical.model import Reference, Relation
from .append_only import only_added
from .blueprint import Blueprint
from .code import full, key_columns, plpgsql, short, with_functions, with_triggers
from .guards import Guard, guarded, named, raised, without
from .tables import expression_of

_LOCKING: Final = "https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS"
_DEFERRED: Final = "https://www.postgresql.org/docs/current/sql-createtrigger.html"


# Whoever waits for a lock at REPEATABLE READ goes on with what was there before.
_UP_TO_DATE: Final = (
    "    IF pg_catalog.current_setting('transaction_isolation') = 'repeatable read' THEN",
    "        RAISE EXCEPTION USING ERRCODE = 'feature_not_supported', MESSAGE ="
    " 'at REPEATABLE READ this rule cannot be kept',",
    "            HINT = 'Use READ COMMITTED or SERIALIZABLE.';",
    "    END IF;",
)


def integrity(blueprint: Blueprint) -> Blueprint:
    """The blueprint with what keeps rules about several rows."""
    for relation in blueprint.logical.relations.values():
        for invariant in relation.invariants:
            match invariant:
                case NoOverlap() if blueprint.dialect is not Dialect.POSTGRES:
                    blueprint = _apart(blueprint, relation, invariant)
                case Balance() | AtMost():
                    blueprint = _of_children(blueprint, relation, invariant)
            if invariant.kind == "acyclic":
                (reference,) = [r for r in relation.references if r.name == invariant.relationship]
                blueprint = _tree(blueprint, relation, reference)
            elif invariant.kind == "append_only":
                blueprint = only_added(blueprint, relation)
        for reference in relation.references:
            family = Family(blueprint.logical.relations[reference.target], relation, reference)
            if reference.at_most:
                blueprint = _at_most(blueprint, family, reference.at_most, "", reference.source)
            if reference.at_least_one:
                blueprint = _at_least_one(blueprint, family)
    return blueprint


@dataclass(frozen=True, slots=True)
class Family:
    """A relation, another whose rows refer to it, and how."""

    parent: Relation
    child: Relation
    reference: Reference

    @property
    def keys(self) -> tuple[tuple[str, str], ...]:
        """Columns of the child with those of the parent that they refer to."""
        return tuple(zip(self.reference.fields, self.reference.target_fields, strict=True))


def _of_children(blueprint: Blueprint, relation: Relation, said: Balance | AtMost) -> Blueprint:
    relationship = children(blueprint.logical.domain, relation.entity, said.children)
    assert relationship is not None
    child = blueprint.logical.of(relationship.source)
    (reference,) = [r for r in child.references if r.relationship == relationship]
    family = Family(relation, child, reference)
    source = f"/entities/{relation.entity}"
    if isinstance(said, Balance):
        return _balance(blueprint, family, said)
    return _at_most(blueprint, family, said.count, said.when or "", source)


# At most so many children


def _at_most(blueprint: Blueprint, family: Family, count: int, when: str, source: str) -> Blueprint:
    name = short(f"{family.child.name}_at_most_{count}_of_{family.reference.name}")
    says = f"at most {count} {family.child.name} of one {family.parent.entity}"
    decision = Decision(
        f"/tables/{family.child.name}/triggers/{name}",
        f"{says}: a trigger that locks the {family.parent.entity} and counts",
        "counting without the lock would let two transactions add one each",
        _LOCKING,
        source,
    )
    said = expression_of(blueprint.logical, family.child, when, blueprint.dialect) if when else ""
    condition = f" AND ({said})" if said else ""
    if blueprint.dialect is Dialect.POSTGRES:
        lines = [
            *_locked(blueprint, family, "NEW"),
            f"    IF (SELECT count(*) FROM {_full(blueprint, family.child)} AS c WHERE"
            f" {_same(family, 'c', 'NEW')}{condition}) > {count} THEN",
            f"        {raised(name, says, blueprint.table(family.child.name))}",
            "    END IF;",
            "    RETURN NULL;",
        ]
        events = ("insert", "update")
        return _by_function(blueprint, family.child, name, says, lines, events, decision)
    same = " AND ".join(
        f"c.{named(blueprint, mine)} = {named(blueprint, mine, 'NEW')}" for mine, _ in family.keys
    )
    table = quote(blueprint.dialect, family.child.name)
    # A trigger that runs before sees the others; one that runs after, this row too.
    after = blueprint.dialect is Dialect.SQLITE
    other = "" if after else f" AND NOT ({_is_itself(blueprint, family.child)})"
    guard = Guard(
        family.child.name,
        f"at_most_{count}_of_{family.reference.name}",
        says,
        ("insert", "update"),
        f"{_counts(blueprint, family, when)}(SELECT count(*) FROM {table} AS c WHERE"
        f" {same}{other}{condition}) >{'' if after else '='} {count}",
        timing="after" if after else "before",
    )
    blueprint = guarded(blueprint, guard, decision)
    if after:
        return blueprint
    return without(
        blueprint,
        f"{guard.name}: MySQL's trigger counts what its snapshot shows; lock the row of"
        f" {family.parent.name} (SELECT … FOR UPDATE) before rows are added to it.",
    )


def _counts(blueprint: Blueprint, family: Family, when: str) -> str:
    """That the row itself is one of those that are counted."""
    if not when:
        return ""
    said = expression_of(blueprint.logical, family.child, when, blueprint.dialect, "NEW.")
    return f"({said}) AND "


def _is_itself(blueprint: Blueprint, relation: Relation) -> str:
    return " AND ".join(
        f"c.{named(blueprint, column)} <=> {named(blueprint, column, 'NEW')}"
        for column in relation.key
    )


# At least one child


def _at_least_one(blueprint: Blueprint, family: Family) -> Blueprint:
    name = short(f"{family.parent.name}_has_{family.child.name}", 8)
    says = f"each {family.parent.entity} has one of {family.child.name} at least"
    if blueprint.dialect is not Dialect.POSTGRES:
        return without(
            blueprint,
            f"{name}: {says}, which no constraint of this engine waits for until the transaction"
            " ends; the application writes both in one transaction.",
        )
    decision = Decision(
        f"/tables/{family.parent.name}/triggers/{name}",
        f"{says}: checked when the transaction ends",
        "neither can be first, if it is checked at once",
        _DEFERRED,
        family.reference.source,
    )
    function = _checking(
        blueprint,
        family,
        name,
        says,
        f"    IF NOT EXISTS (SELECT FROM {_full(blueprint, family.child)} AS c WHERE"
        f" {_same_as_arguments(family)}) THEN",
    )
    blueprint = with_functions(blueprint, [function])
    blueprint = _waiting(blueprint, family.parent, name, says, function.name.name, "insert",
                         [theirs for _, theirs in family.keys], decision)  # fmt: skip
    return _waiting(blueprint, family.child, f"{name}_leaves", says, function.name.name,
                    "delete or update", [mine for mine, _ in family.keys])  # fmt: skip


# Sums


def _balance(blueprint: Blueprint, family: Family, said: Balance) -> Blueprint:
    word = {"=": "equals", "<=": "within", ">=": "covers"}[said.is_]
    name = short(f"{family.parent.name}_{said.sum_of}_{word}", 8)
    to = str(said.to)
    says = f"the sum of {said.sum_of} of {family.child.name} {said.is_} {to}"
    if blueprint.dialect is not Dialect.POSTGRES:
        return without(
            blueprint,
            f"{name}: {says}, which no constraint of this engine waits for until the transaction"
            " ends; the application checks it before it commits, with the parent's row locked.",
        )
    decision = Decision(
        f"/tables/{family.parent.name}/triggers/{name}",
        f"{says}: checked when the transaction ends, with the {family.parent.entity} locked",
        "between two statements of one transaction the books need not balance; after it they do",
        _DEFERRED,
        f"/entities/{family.parent.entity}",
    )
    wanted = to if isinstance(said.to, int) else f"p.{ident(to)}"
    function = _checking(
        blueprint,
        family,
        name,
        says,
        f"    IF NOT (SELECT coalesce((SELECT sum(c.{ident(said.sum_of)}) FROM"
        f" {_full(blueprint, family.child)} AS c WHERE {_same_as_arguments(family)}), 0)"
        f" {said.is_} {wanted} FROM {_full(blueprint, family.parent)} AS p WHERE"
        f" {_parent_of_arguments(family)}) THEN",
    )
    blueprint = with_functions(blueprint, [function])
    called = function.name.name
    parents, mine = [theirs for _, theirs in family.keys], [own for own, _ in family.keys]
    if _holds_without_children(said):  # and with them it is theirs to ask
        return _waiting(
            blueprint, family.child, f"{name}_of", says, called, "delete or insert or update",
            mine, replace(decision, about=f"/tables/{family.child.name}/triggers/{name}_of"),
        )  # fmt: skip
    blueprint = _waiting(
        blueprint, family.parent, name, says, called, "insert or update", parents, decision
    )
    return _waiting(
        blueprint, family.child, f"{name}_of", says, called, "delete or insert or update", mine
    )


def _holds_without_children(said: Balance) -> bool:
    """Whether a parent alone can never break it: the sum of nothing is 0."""
    if not isinstance(said.to, int):
        return False
    return {"=": said.to == 0, "<=": said.to >= 0, ">=": said.to <= 0}[said.is_]


def _checking(
    blueprint: Blueprint, family: Family, name: str, says: str, condition: str
) -> Function:
    """A function of the parent's key that locks it, and refuses if a condition holds."""
    columns = blueprint.table(family.parent.name).columns
    arguments = tuple(Argument(f"of_{theirs}", columns[theirs].type) for _, theirs in family.keys)
    body = [
        "",
        "BEGIN",
        *_UP_TO_DATE,
        f"    PERFORM FROM {_full(blueprint, family.parent)} AS p WHERE"
        f" {_parent_of_arguments(family)} FOR NO KEY UPDATE;",
        "    IF NOT FOUND THEN",
        "        RETURN;",
        "    END IF;",
        condition,
        f"        {raised(name, says, blueprint.table(family.parent.name))}",
        "    END IF;",
        "END",
        "",
    ]
    return plpgsql(
        blueprint.name(f"check_{name}"), "\n".join(body), says, arguments=arguments,
        returns="void", definer=True,
    )  # fmt: skip


def _waiting(
    blueprint: Blueprint, relation: Relation, name: str, says: str, check: str, events: str,
    columns: Sequence[str], decision: Decision | None = None,
) -> Blueprint:  # fmt: skip
    """A constraint trigger that checks, when the transaction ends, the parents that are touched."""

    def called(row: str) -> str:
        given = ", ".join(f"{row}.{ident(column)}" for column in columns)
        return f"        PERFORM {full(blueprint.name(check))}({given});"

    wanted = tuple(events.split(" or "))
    lines = []
    if "insert" in wanted:
        lines += ["    IF TG_OP <> 'DELETE' THEN", called("NEW"), "    END IF;"]
    if "delete" in wanted:
        lines += ["    IF TG_OP <> 'INSERT' THEN", called("OLD"), "    END IF;"]
    function = plpgsql(
        blueprint.name(f"{name}_trigger"[:63]),
        "\n".join(["", "BEGIN", *lines, "    RETURN NULL;", "END", ""]),
        says,
        definer=True,
    )
    trigger = Trigger(
        name, "after", wanted,
        function=function.name, constraint=True, deferrable="initially deferred", comment=says,
    )  # fmt: skip
    blueprint = with_functions(blueprint, [function])
    table = with_triggers(blueprint.table(relation.name), trigger)
    return blueprint.with_table(table, *([decision] if decision else []))


# Trees, rows that are only added, periods


def _tree(blueprint: Blueprint, relation: Relation, reference: Reference) -> Blueprint:
    name = short(f"{relation.name}_{reference.name}_is_a_tree", 8)
    says = f"{reference.name} never leads back to the row itself"
    decision = Decision(
        f"/tables/{relation.name}/triggers/{name}",
        f"{says}: a trigger walks up",
        "a foreign key knows one step only; one change at a time, or two could close a circle",
        "https://www.postgresql.org/docs/current/queries-with.html#QUERIES-WITH-CYCLE",
        reference.source,
    )
    pairs = tuple(zip(reference.fields, reference.target_fields, strict=True))
    if blueprint.dialect is Dialect.POSTGRES:
        table = _full(blueprint, relation)
        lock = f"pg_catalog.hashtextextended('{table}', 0)".replace("''", "'")
        lines = [
            *_UP_TO_DATE,
            f"    PERFORM pg_catalog.pg_advisory_xact_lock({lock});",
            f"    IF EXISTS ({_upwards(pairs, table, ident)}) THEN",
            f"        {raised(name, says, blueprint.table(relation.name))}",
            "    END IF;",
            "    RETURN NULL;",
        ]
        events = ("insert", "update")
        return _by_function(
            blueprint, relation, name, says, lines, events, decision, reference.fields
        )
    dialect = blueprint.dialect

    def written(column: str) -> str:
        return quote(dialect, column)

    itself = " AND ".join(f"NEW.{written(m)} = NEW.{written(t)}" for m, t in pairs)
    guard = Guard(
        relation.name,
        f"{reference.name}_is_a_tree",
        says,
        ("insert", "update"),
        f"({itself}) OR EXISTS ({_upwards(pairs, written(relation.name), written)})",
        tuple(reference.fields),
        "after" if dialect is Dialect.SQLITE else "before",
    )
    return guarded(blueprint, guard, decision)


def _upwards(pairs: Sequence[tuple[str, str]], table: str, say: Callable[[str], str]) -> str:
    """A query for the row itself among those above it; `say` writes a name."""
    numbered = list(enumerate(pairs))
    heads = ", ".join(f"k{n}, p{n}" for n, _ in numbered)
    columns = ", ".join(f"t.{say(theirs)}, t.{say(mine)}" for mine, theirs in pairs)
    start = " AND ".join(f"t.{say(theirs)} = NEW.{say(mine)}" for mine, theirs in pairs)
    step = " AND ".join(f"t.{say(theirs)} = up.p{n}" for n, (_, theirs) in numbered)
    end = " AND ".join(f"up.k{n} = NEW.{say(theirs)}" for n, (_, theirs) in numbered)
    return (
        f"WITH RECURSIVE up ({heads}) AS (SELECT {columns} FROM {table} AS t WHERE {start}"
        f" UNION SELECT {columns} FROM {table} AS t JOIN up ON {step})"
        f" SELECT 1 FROM up WHERE {end}"
    )


def _apart(blueprint: Blueprint, relation: Relation, said: NoOverlap) -> Blueprint:
    start, end = relation.fields[said.period].columns(blueprint.dialect)
    per = [f for name in said.per for f in blueprint.logical.fields_of(relation.entity, name)]
    per = list(dict.fromkeys((*([relation.tenant] if relation.tenant else []), *per)))

    def pair(column: str, operator: str, other: str) -> str:
        return f"o.{named(blueprint, column)} {operator} {named(blueprint, other, 'NEW')}"

    itself = " AND ".join(pair(c, "=", c) for c in key_columns(blueprint, relation))
    terms = [*(pair(c, "=", c) for c in per), pair(start, "<", end), pair(end, ">", start)]
    if said.when:
        own = expression_of(blueprint.logical, relation, said.when, blueprint.dialect)
        mine = expression_of(blueprint.logical, relation, said.when, blueprint.dialect, "NEW.")
        terms += [f"({own})", f"({mine})"]
    table = quote(blueprint.dialect, relation.name)
    guard = Guard(
        relation.name,
        "_".join((*(name for name in per if name != relation.tenant), said.period, "apart")),
        f"{said.period} of two rows do not overlap",
        ("insert", "update"),
        f"EXISTS (SELECT 1 FROM {table} AS o WHERE {' AND '.join(terms)} AND NOT ({itself}))",
        timing="after" if blueprint.dialect is Dialect.SQLITE else "before",
    )
    decision = Decision(
        f"/tables/{relation.name}/triggers/{guard.name}",
        f"{guard.says}: a trigger looks for another",
        "this engine has no exclusion constraints",
        "",
        f"/entities/{relation.entity}",
    )
    return guarded(blueprint, guard, decision)


# Parts of functions


def _by_function(
    blueprint: Blueprint, relation: Relation, name: str, says: str, lines: Sequence[str],
    events: tuple[str, ...], decision: Decision, update_of: Sequence[str] = (),
) -> Blueprint:  # fmt: skip
    """A row trigger, after the statement, with a function of its own."""
    body = "\n".join(["", "BEGIN", *lines, "END", ""])
    function = plpgsql(blueprint.name(name), body, says, definer=True)
    trigger = Trigger(name, "after", events, tuple(update_of), function=function.name, comment=says)
    blueprint = with_functions(blueprint, [function])
    return blueprint.with_table(with_triggers(blueprint.table(relation.name), trigger), decision)


def _locked(blueprint: Blueprint, family: Family, row: str) -> Iterator[str]:
    where = " AND ".join(f"p.{ident(theirs)} = {row}.{ident(mine)}" for mine, theirs in family.keys)
    yield from _UP_TO_DATE
    yield (
        f"    PERFORM FROM {_full(blueprint, family.parent)} AS p WHERE {where} FOR NO KEY UPDATE;"
    )


def _same(family: Family, alias: str, row: str) -> str:
    return " AND ".join(f"{alias}.{ident(mine)} = {row}.{ident(mine)}" for mine, _ in family.keys)


def _same_as_arguments(family: Family) -> str:
    return " AND ".join(f"c.{ident(mine)} = of_{theirs}" for mine, theirs in family.keys)


def _parent_of_arguments(family: Family) -> str:
    return " AND ".join(f"p.{ident(theirs)} = of_{theirs}" for _, theirs in family.keys)


def _full(blueprint: Blueprint, relation: Relation) -> str:
    return full(blueprint.name(relation.name))
