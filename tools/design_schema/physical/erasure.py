"""What becomes of a person's data when they ask for their erasure (GDPR article 17).

A person is a row of a relation that says what becomes of it (`on_erasure`) and refers to no other
relation that does. What refers to the person, by others too, and says so goes by the same call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from ...ddl.model import Argument, Dialect, Grant
from ..decision import Decision
from ..domain.model import Sensitivity
from ..logical.model import Logical, Reference, Relation
from ..rights import called_in_grants
from .blueprint import Blueprint
from .code import Written, plpgsql, short, with_functions, with_grants
from .history import history_columns, history_name, is_kept
from .neutral import neutral
from .roles import right, role

SENSITIVE: Final[tuple[Sensitivity, ...]] = ("personal", "special", "secret", "payment")
ERASED: Final = ("delete", "anonymise")
MOST_PATHS: Final = 16  # from one relation to another, of the shortest
_ARTICLE_17: Final = "https://eur-lex.europa.eu/eli/reg/2016/679/oj#art_17"

Path: TypeAlias = tuple[Reference, ...]


def erasure(blueprint: Blueprint) -> Blueprint:
    """The blueprint with what erases each kind of person, and the reasons for what stays."""
    for person, affected in erasures(blueprint.logical).items():
        blueprint = _with_erasure(blueprint, blueprint.logical.relations[person], affected)
    return blueprint.with_tables((), _kept(blueprint.logical))


def erasures(logical: Logical) -> Mapping[str, Mapping[str, list[Path]]]:
    """The relations of persons, each with what goes with them: sources first, and how they refer.

    The person's own relation is the last, with the empty path.
    """
    up = {r.name: _up(logical, r) for r in logical.relations.values() if on_erasure(r) in ERASED}
    persons = [name for name, above in up.items() if not above.keys() & up.keys() - {name}]
    return {
        person: {name: up[name][person] for name in reversed(up) if person in up[name]}
        | {person: [()]}
        for person in persons
    }


def on_erasure(relation: Relation) -> str | None:
    """What becomes of a relation's rows; None when the model says nothing."""
    kept = relation.of.retention if relation.of else None
    return kept.on_erasure if kept else None


def _up(logical: Logical, start: Relation) -> dict[str, list[Path]]:
    """The relations that one refers to, by others too, with the shortest ways to each."""
    found: dict[str, list[Path]] = {}
    level: list[Path] = [()]
    while level:
        further: dict[str, list[Path]] = {}
        for path in level:
            at = logical.relations[path[-1].target] if path else start
            for reference in at.references:
                if reference.target not in found and reference.target != start.name:
                    further.setdefault(reference.target, []).append((*path, reference))
        found |= {target: paths[:MOST_PATHS] for target, paths in further.items()}
        level = [path for target in further for path in found[target]]
    return found


def _with_erasure(
    blueprint: Blueprint, person: Relation, affected: Mapping[str, list[Path]]
) -> Blueprint:
    key = _key(blueprint, person)
    statements: list[str] = []
    for name, paths in affected.items():
        blueprint, more = _erased(blueprint, blueprint.logical.relations[name], paths, key)
        statements += more
    if not statements:
        return blueprint
    if blueprint.dialect is Dialect.POSTGRES:
        return _as_function(blueprint, person, statements)
    comment = f"-- When a row of {person.name} is to be erased: {', '.join(key.values())}.\n"
    jobs = {
        f"{erasing(person)}_{number}": comment + statement
        for number, statement in enumerate(statements, 1)
    }
    return replace(blueprint, jobs={**(blueprint.jobs or {}), **jobs})


def erasing(person: Relation) -> str:
    """The name of the function that erases a person."""
    return short(f"erase_{person.entity}")


def _key(blueprint: Blueprint, person: Relation) -> Mapping[str, str]:
    """The person's key, and how the statements name what is given for it."""
    if blueprint.dialect is Dialect.POSTGRES:
        return {column: f"${number}" for number, column in enumerate(person.key, 1)}
    return {column: f":{column}" for column in person.key}


def _as_function(blueprint: Blueprint, person: Relation, statements: list[str]) -> Blueprint:
    columns = blueprint.table(person.name).columns
    function = plpgsql(
        blueprint.name(erasing(person)),
        "\n#variable_conflict use_column\nBEGIN\n    " + ";\n    ".join(statements) + ";\nEND\n",
        f"Erases what is known of a person: the row of {person.name} with this key",
        arguments=tuple(Argument(f"of_{column}", columns[column].type) for column in person.key),
        returns="void",
    )
    jobs = role(blueprint.logical, "jobs")
    grant = Grant("execute", "function", called_in_grants(function), jobs)
    decision = Decision(
        f"/functions/{function.signature}",
        f"{function.name.name}() erases a person in one transaction, with all that says so",
        "nothing is forgotten, and nobody but the role of the jobs may call it",
        _ARTICLE_17,
    )
    return with_grants(with_functions(blueprint, [function]), [grant]).with_tables((), [decision])


def _erased(
    blueprint: Blueprint, relation: Relation, paths: list[Path], key: Mapping[str, str]
) -> tuple[Blueprint, list[str]]:
    """The statements that delete or neutralise a person's rows of a relation, and versions."""
    tables = {relation.name: set(blueprint.table(relation.name).columns)}
    if is_kept(blueprint.logical, relation):
        past = history_name(blueprint.logical, relation)
        tables[past] = set(history_columns(blueprint, relation))
    values, left = neutralised(blueprint, relation)
    if on_erasure(relation) == "delete":
        values, left = {}, []
    elif not values:
        return _noted(blueprint, relation, left), []
    statements = []
    for name, columns in tables.items():
        set_ = {column: value for column, value in values.items() if column in columns}
        statements.append(_statement(blueprint, name, set_, paths, key))
        place = blueprint.name(name)
        grants = [*right(blueprint, place, "jobs", "select")]
        if values:
            grants += right(blueprint, place, "jobs", "update", columns=set_)
        else:
            grants += right(blueprint, place, "jobs", "delete")
        blueprint = with_grants(blueprint, grants)
    for between in sorted({reference.target for path in paths for reference in path[:-1]}):
        read = right(blueprint, blueprint.name(between), "jobs", "select")
        blueprint = with_grants(blueprint, read)
    return _noted(blueprint, relation, left), statements


def neutralised(blueprint: Blueprint, relation: Relation) -> tuple[dict[str, str], list[str]]:
    """What is written instead of what is sensitive, and the fields for which there is nothing."""
    values: dict[str, str] = {}
    left = []
    for field in relation.fields.values():
        if field.type.sensitivity in SENSITIVE:
            found = neutral(blueprint, relation, field)
            values |= found or {}
            left += [field.name] if found is None else []
    return values, left


def _statement(
    blueprint: Blueprint,
    table: str,
    values: Mapping[str, str],
    paths: list[Path],
    key: Mapping[str, str],
) -> str:
    q = Written(blueprint)
    own = [_refers(q, q.table(table), path, key) for path in paths]
    where = " OR ".join(own)
    if not values:
        return f"DELETE FROM {q.table(table)} WHERE {where}"
    written = [f"{q(column)} = {value}" for column, value in values.items()]
    relation = blueprint.logical.relations.get(table)
    if relation and blueprint.dialect is Dialect.SQLITE:  # where no trigger counts them
        counts = (f.name for f in relation.fields.values() if f.role == "version")
        written += [f"{q(column)} = {q(column)} + 1" for column in counts]
    return f"UPDATE {q.table(table)} SET {', '.join(written)} WHERE {where}"


def _refers(q: Written, row: str, path: Path, key: Mapping[str, str]) -> str:
    """The condition that a row refers to the person by a path."""
    if not path:
        return " AND ".join(f"{row}.{q(column)} = {given}" for column, given in key.items())
    reference, *rest = path
    pairs = list(zip(reference.fields, reference.target_fields, strict=True))
    if not rest:
        own = ((mine, key[theirs]) for mine, theirs in pairs if theirs in key)  # a kind is not
        return " AND ".join(f"{row}.{q(mine)} = {given}" for mine, given in own)
    via = f"via_{len(rest)}"
    joined = " AND ".join(f"{via}.{q(theirs)} = {row}.{q(mine)}" for mine, theirs in pairs)
    further = _refers(q, via, tuple(rest), key)
    return (
        f"EXISTS (SELECT 1 FROM {q.table(reference.target)} AS {via} WHERE {joined} AND {further})"
    )


def _noted(blueprint: Blueprint, relation: Relation, left: list[str]) -> Blueprint:
    if not left:
        return blueprint
    note = (
        f"Erasure leaves {', '.join(left)} of {relation.name} as they are: they are required and"
        " nothing neutral fits them. Make them optional, or let erasure delete the rows."
    )
    return replace(blueprint, notes=(*blueprint.notes, note))


def _kept(logical: Logical) -> Iterator[Decision]:
    for relation in logical.relations.values():
        kept = relation.of.retention if relation.of else None
        if kept and kept.on_erasure == "keep":
            yield Decision(
                f"/tables/{relation.name}",
                "rows stay when a person asks for erasure",
                kept.basis or "the model gives no basis: article 17 (3) names those that count",
                _ARTICLE_17,
            )
