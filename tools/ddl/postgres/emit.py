"""A schema as PostgreSQL DDL, written for people, in an order in which it applies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from ..model import (
    Argument,
    Composite,
    Domain,
    Enum,
    Extension,
    Function,
    Index,
    Name,
    Opaque,
    Policy,
    Range,
    Schema,
    Table,
    Trigger,
    View,
)
from .emit_order import Step, creation_order
from .emit_sequences import create_sequence
from .emit_tables import Tables
from .nodes import made_name
from .text import (
    default_text,
    dollar_quoted,
    ident,
    idents,
    literal,
    options,
    parenthesised,
    qualified,
    split_name,
    type_text,
)


def emit(schema: Schema) -> list[str]:
    """The statements that make the schema, without `;`, for the default search path.

    What an object needs comes before it; foreign keys, indexes, triggers, policies, comments and
    grants follow the tables. Owners are not emitted; queries, bodies and statements of kinds that
    are not modelled are as written.
    """
    return list(Emitter(schema).statements())


class Emitter:
    """Writes the objects of a schema; knows which names PostgreSQL would give by itself."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self.tables = Tables(schema)

    def statements(self) -> Iterator[str]:
        """All of them, in order."""
        schema = self._schema
        if any(function.body for function in schema.functions.values()):
            yield "SET check_function_bodies = off"  # bodies may name what comes later
        for step in creation_order(schema):
            yield from self.create(step)
        for sequence in schema.sequences.values():
            if sequence.owned_by and not self.tables.is_serial(sequence.name):
                home, column = sequence.owned_by
                owner = f"{qualified(home)}.{ident(column)}"
                yield f"ALTER SEQUENCE {qualified(sequence.name)} OWNED BY {owner}"
        tables = list(schema.tables.values())
        for table in tables:
            yield from self.tables.waiting(table)
        for table in tables:
            yield from self.tables.indexes(table)
        for view in schema.views.values():
            for index in view.indexes.values():
                yield self.tables.index(view.name, index)
        for table in tables:
            yield from self.tables.foreign_keys(table)
        relations: list[Table | View] = [*tables, *schema.views.values()]
        for relation in relations:
            for trigger in relation.triggers.values():
                yield from create_trigger(relation.name, trigger)
            for rule in relation.rules.values():
                yield from as_written(rule)
        for relation in relations:
            yield from _statistics(relation)
        for table in tables:
            yield from _settings(table)
        yield from _comments(schema)
        yield from _grants(schema)

    def create(self, step: Step) -> Iterator[str]:
        """The statements that make one object; its comments and grants are not among them."""
        schema, name = self._schema, step.name
        if step.kind == "schema":
            exists = "IF NOT EXISTS " if name.name == "public" else ""
            yield f"CREATE SCHEMA {exists}{ident(name.name)}"
        elif step.kind == "extension":
            yield create_extension(schema.extensions[name.name])
        elif step.kind == "opaque":
            yield from as_written(schema.opaque[name.schema, name.name])
        elif step.kind == "enum":
            yield _enum(schema.enums[name])
        elif step.kind == "domain":
            yield from self._domain(schema.domains[name])
        elif step.kind == "composite":
            yield self._composite(schema.composites[name])
        elif step.kind == "range":
            yield self._range(schema.ranges[name])
        elif step.kind == "sequence":
            if not self.tables.is_serial(name):
                yield create_sequence(schema.sequences[name])
        elif step.kind == "function":
            yield self.function(schema.functions[name.name])
        elif step.kind == "table":
            yield self.tables.create(schema.tables[name], step.missing)
            yield from self.tables.after(schema.tables[name])
        else:
            yield from create_view(schema.views[name])

    def _domain(self, domain: Domain) -> Iterator[str]:
        name = qualified(domain.name)
        lines = [f"CREATE DOMAIN {name} AS {type_text(domain.type)}"]
        if domain.collation:
            lines[0] += f" COLLATE {self.tables.collation(domain.collation)}"
        if domain.default is not None:
            lines.append(f"DEFAULT {default_text(domain.default)}")
        if given := domain.not_null:
            default = made_name(domain.name.name, "", "not_null")
            named = given.name not in ("", default)
            lines.append(f"CONSTRAINT {ident(given.name)} NOT NULL" if named else "NOT NULL")
        for check in domain.checks.values():
            if check.valid:
                default = made_name(domain.name.name, "", "check")
                named = check.name != default or len(domain.checks) > 1
                constraint = f"CONSTRAINT {ident(check.name)} " if named else ""
                lines.append(self.tables.check(check, constraint))
        yield "\n    ".join(lines)
        for check in domain.checks.values():
            if not check.valid:
                added = self.tables.check(check, f"CONSTRAINT {ident(check.name)} ")
                yield f"ALTER DOMAIN {name} ADD {added}"

    def _composite(self, composite: Composite) -> str:
        lines = []
        for attribute in composite.attributes.values():
            line = f"{ident(attribute.name)} {type_text(attribute.type)}"
            if attribute.collation:
                line += f" COLLATE {self.tables.collation(attribute.collation)}"
            lines.append(line)
        body = "(\n    " + ",\n    ".join(lines) + "\n)" if lines else "()"
        return f"CREATE TYPE {qualified(composite.name)} AS {body}"

    def _range(self, given: Range) -> str:
        words = [f"SUBTYPE = {type_text(given.subtype)}"]
        for key, value in given.options.items():
            name = self.tables.collation(value) if key == "collation" else None
            words.append(f"{key.upper()} = {name or qualified(split_name(value))}")
        if given.multirange and given.multirange != default_multirange(given.name.name):
            multirange = qualified(Name(given.name.schema, given.multirange))
            words.append(f"MULTIRANGE_TYPE_NAME = {multirange}")
        return (
            f"CREATE TYPE {qualified(given.name)} AS RANGE (\n    " + ",\n    ".join(words) + "\n)"
        )

    def function(self, function: Function, replace: bool = False) -> str:
        """CREATE FUNCTION or PROCEDURE, with OR REPLACE where wanted."""
        shown = [a for a in function.arguments if a.mode != "table"]
        kind = function.kind.upper()
        arguments = ", ".join(map(_argument, shown))
        verb = "CREATE OR REPLACE" if replace else "CREATE"
        lines = [f"{verb} {kind} {qualified(function.name)}({arguments})"]
        if returns := self._returns(function):
            lines[0] += f" RETURNS {returns}"
        lines.append(f"LANGUAGE {ident(function.language)}")
        lines += _function_options(function)
        if function.sql_body is not None:
            lines.append(str(function.sql_body))
        else:
            lines.append(f"AS {dollar_quoted(function.body)}")
        return "\n".join(lines)

    def _returns(self, function: Function) -> str:
        if function.returns == "TABLE":
            columns = (a for a in function.arguments if a.mode == "table")
            return f"TABLE ({', '.join(map(_argument, columns))})"
        several = "SETOF " if function.returns.startswith("SETOF ") else ""
        text = function.returns.removeprefix("SETOF ")
        bare = text.removesuffix("[]")
        dots = (i for i, char in enumerate(bare) if char == ".")
        names = [Name("public", bare), *(Name(bare[:i], bare[i + 1 :]) for i in dots)]
        known = next((n for n in names if any(n in objects for objects in self._types())), None)
        return several + (qualified(known) + text[len(bare) :] if known else text)

    def _types(self) -> Iterable[Mapping[Name, object]]:
        s = self._schema
        return (s.enums, s.domains, s.composites, s.ranges, s.tables, s.views)


def as_written(opaque: Opaque) -> Iterator[str]:
    """The statement of an object that is not modelled, under its search path."""
    if opaque.path and opaque.sql:
        yield f"SET search_path TO {idents(opaque.path)}"
    if opaque.sql:
        yield opaque.sql
    if opaque.path and opaque.sql:
        yield "RESET search_path"


def default_multirange(name: str) -> str:
    """The name of a range type's multirange unless one is given (makeMultirangeTypeName)."""
    if "range" in name:
        return name.replace("range", "multirange", 1)
    return f"{name}_multirange"


def create_extension(extension: Extension) -> str:
    """CREATE EXTENSION, in no particular version."""
    schema = f" WITH SCHEMA {ident(extension.schema)}" if extension.schema else ""
    return f"CREATE EXTENSION IF NOT EXISTS {ident(extension.name)}{schema}"


def _enum(enum: Enum) -> str:
    values = ",\n    ".join(map(literal, enum.values))
    body = f"(\n    {values}\n)" if values else "()"
    return f"CREATE TYPE {qualified(enum.name)} AS ENUM {body}"


def _argument(argument: Argument) -> str:
    words = [] if argument.mode in ("in", "table") else [argument.mode.upper()]
    if argument.name:
        words.append(ident(argument.name))
    words.append(type_text(argument.type))
    if argument.default is not None:
        words.append(f"DEFAULT {argument.default}")
    return " ".join(words)


def _function_options(function: Function) -> Iterator[str]:
    if function.window:
        yield "WINDOW"
    if function.volatility != "volatile":
        yield function.volatility.upper()
    if function.leakproof:
        yield "LEAKPROOF"
    if function.strict:
        yield "STRICT"
    if function.security_definer:
        yield "SECURITY DEFINER"
    if function.parallel != "unsafe":
        yield f"PARALLEL {function.parallel.upper()}"
    if function.cost is not None:
        yield f"COST {function.cost:g}"
    if function.rows is not None:
        yield f"ROWS {function.rows:g}"
    for key, value in function.settings.items():
        setting = ".".join(map(ident, key.split(".")))
        yield f"SET {setting} TO {_setting(key, value)}"


def _setting(key: str, value: str) -> str:
    """A list such as a search path has its names one by one."""
    if key not in ("search_path", "temp_tablespaces"):
        return literal(value)
    names = (name.strip().removeprefix('"').removesuffix('"') for name in value.split(","))
    return ", ".join(ident(name) if name else "''" for name in names)


def create_view(view: View, replace: bool = False) -> Iterator[str]:
    """CREATE VIEW or MATERIALIZED VIEW, and the defaults of its columns."""
    kind = "MATERIALIZED VIEW" if view.materialized else "VIEW"
    kind = f"RECURSIVE {kind}" if view.recursive else kind
    columns = f" ({idents(view.columns)})" if view.columns else ""
    settings = f"\nWITH {options(view.options)}" if view.options else ""
    data = "" if view.with_data else "\nWITH NO DATA"
    verb = "CREATE OR REPLACE" if replace else "CREATE"
    yield f"{verb} {kind} {qualified(view.name)}{columns}{settings} AS\n{view.query}{data}"
    for column, default in view.column_defaults.items():
        name = qualified(view.name)
        yield f"ALTER VIEW {name} ALTER COLUMN {ident(column)} SET DEFAULT {default_text(default)}"


def create_trigger(table: Name, trigger: Trigger, replace: bool = False) -> Iterator[str]:
    """CREATE TRIGGER, and when it fires if that is not the default."""
    kind = "CONSTRAINT TRIGGER" if trigger.constraint else "TRIGGER"
    events = []
    for event in trigger.events:
        of = f" OF {idents(trigger.update_of)}" if event == "update" and trigger.update_of else ""
        events.append(event.upper() + of)
    lines = [
        f"CREATE {'OR REPLACE ' * replace}{kind} {ident(trigger.name)}",
        f"{trigger.timing.upper()} {' OR '.join(events)} ON {qualified(table)}",
    ]
    if trigger.references:
        lines.append(f"FROM {qualified(trigger.references)}")
    if trigger.deferrable:
        lines.append("DEFERRABLE" if trigger.deferrable == "deferrable" else "INITIALLY DEFERRED")
    if trigger.old_table or trigger.new_table:
        old = f" OLD TABLE AS {ident(trigger.old_table)}" if trigger.old_table else ""
        new = f" NEW TABLE AS {ident(trigger.new_table)}" if trigger.new_table else ""
        lines.append(f"REFERENCING{old}{new}")
    lines.append("FOR EACH ROW" if trigger.per_row else "FOR EACH STATEMENT")
    if trigger.when is not None:
        lines.append(f"WHEN {parenthesised(trigger.when)}")
    if trigger.function:
        arguments = ", ".join(map(literal, trigger.arguments))
        lines.append(f"EXECUTE FUNCTION {qualified(trigger.function)}({arguments})")
    yield "\n    ".join(lines)
    if trigger.enabled != "origin":
        change = {
            "disabled": "DISABLE",
            "replica": "ENABLE REPLICA",
            "always": "ENABLE ALWAYS",
        }[trigger.enabled]
        yield f"ALTER TABLE {qualified(table)} {change} TRIGGER {ident(trigger.name)}"


def _settings(table: Table) -> Iterator[str]:
    """What is set once indexes, functions and all columns are there."""
    alter = f"ALTER TABLE {qualified(table.name)}"
    if table.foreign:
        pass  # has none
    elif table.replica_identity in ("full", "nothing"):
        yield f"{alter} REPLICA IDENTITY {table.replica_identity.upper()}"
    elif table.replica_identity != "default":
        yield f"{alter} REPLICA IDENTITY USING INDEX {ident(table.replica_identity)}"
    if table.cluster_on:
        yield f"{alter} CLUSTER ON {ident(table.cluster_on)}"
    if table.row_security:
        yield f"{alter} ENABLE ROW LEVEL SECURITY"
    if table.force_row_security:
        yield f"{alter} FORCE ROW LEVEL SECURITY"
    for policy in table.policies.values():
        yield create_policy(table.name, policy)


_ROLE_WORDS = frozenset({"public", "current_user", "current_role", "session_user"})


def role_text(name: str) -> str:
    """A role, or a word that stands for one."""
    return name.upper() if name in _ROLE_WORDS else ident(name)


def create_policy(table: Name, policy: Policy) -> str:
    """CREATE POLICY."""
    head = f"CREATE POLICY {ident(policy.name)} ON {qualified(table)}"
    lines = [head if policy.permissive else f"{head} AS RESTRICTIVE"]
    if policy.command != "all":
        lines.append(f"FOR {policy.command.upper()}")
    if policy.roles != ("public",):
        lines.append(f"TO {', '.join(map(role_text, policy.roles))}")
    if policy.using is not None:
        lines.append(f"USING {parenthesised(policy.using)}")
    if policy.check is not None:
        lines.append(f"WITH CHECK {parenthesised(policy.check)}")
    return "\n    ".join(lines)


def signature(function: Function) -> str:
    """What tells a function in a statement about it: its name and input types."""
    inputs = [a.type for a in function.arguments if a.mode in ("in", "inout", "variadic")]
    return f"{qualified(function.name)}({', '.join(map(type_text, inputs))})"


def _comments(schema: Schema) -> Iterator[str]:
    for target, comment in commented(schema):
        if comment:
            yield f"COMMENT ON {target} IS {literal(comment)}"


def commented(schema: Schema) -> Iterator[tuple[str, str]]:
    """Everything that can have a comment."""
    for extension in schema.extensions.values():
        yield f"EXTENSION {ident(extension.name)}", extension.comment
    for namespace in schema.namespaces.values():
        yield f"SCHEMA {ident(namespace.name)}", namespace.comment
    for domain in schema.domains.values():
        yield f"DOMAIN {qualified(domain.name)}", domain.comment
        for check in domain.checks.values():
            target = f"CONSTRAINT {ident(check.name)} ON DOMAIN {qualified(domain.name)}"
            yield target, check.comment
    for types in (schema.enums, schema.composites, schema.ranges):
        for type in types.values():
            yield f"TYPE {qualified(type.name)}", type.comment
    for composite in schema.composites.values():
        for attribute in composite.attributes.values():
            column = f"COLUMN {qualified(composite.name)}.{ident(attribute.name)}"
            yield column, attribute.comment
    for sequence in schema.sequences.values():
        yield f"SEQUENCE {qualified(sequence.name)}", sequence.comment
    for function in schema.functions.values():
        yield f"{function.kind.upper()} {signature(function)}", function.comment
    for table in schema.tables.values():
        yield from _commented_table(table)
    for view in schema.views.values():
        kind = "MATERIALIZED VIEW" if view.materialized else "VIEW"
        yield f"{kind} {qualified(view.name)}", view.comment
        for column, comment in view.column_comments.items():
            yield f"COLUMN {qualified(view.name)}.{ident(column)}", comment
        for column, comment in view.column_comments.items():
            yield f"COLUMN {qualified(view.name)}.{ident(column)}", comment
        yield from _commented_parts(view)
    for opaque in schema.opaque.values():
        yield f"{opaque.kind.upper()} {opaque.name}", opaque.comment


def _commented_table(table: Table) -> Iterator[tuple[str, str]]:
    name = qualified(table.name)
    kind = "FOREIGN TABLE" if table.foreign else "TABLE"
    yield f"{kind} {name}", table.comment
    for column in table.columns.values():
        yield f"COLUMN {name}.{ident(column.name)}", column.comment
    constraints = (table.keys, table.foreign_keys, table.checks, table.exclusions)
    for group in constraints:
        for constraint in group.values():
            yield f"CONSTRAINT {ident(constraint.name)} ON {name}", constraint.comment
    for policy in table.policies.values():
        yield f"POLICY {ident(policy.name)} ON {name}", policy.comment
    yield from _commented_parts(table)


def _commented_parts(relation: Table | View) -> Iterator[tuple[str, str]]:
    name = qualified(relation.name)
    indexes: Mapping[str, Index] = relation.indexes
    for index in indexes.values():
        yield f"INDEX {qualified(Name(relation.name.schema, index.name))}", index.comment
    for trigger in relation.triggers.values():
        yield f"TRIGGER {ident(trigger.name)} ON {name}", trigger.comment
    for rule in relation.rules.values():
        yield f"RULE {ident(rule.name)} ON {name}", rule.comment


def _statistics(relation: Table | View) -> Iterator[str]:
    """The statistics targets of indexes' expressions."""
    indexes: Mapping[str, Index] = relation.indexes
    for index in indexes.values():
        for number, part in enumerate(index.parts, 1):
            if part.statistics is not None:
                name = qualified(Name(relation.name.schema, index.name))
                yield f"ALTER INDEX {name} ALTER COLUMN {number} SET STATISTICS {part.statistics}"


def _grants(schema: Schema) -> Iterator[str]:
    """Privileges of one role on one object together, each with its columns."""
    together: dict[tuple[str, str, str, bool, bool], dict[str, list[str]]] = defaultdict(dict)
    for grant in schema.grants:
        place = (grant.kind, grant.object, grant.grantee, grant.grantable, bool(grant.columns))
        together[place].setdefault(grant.privilege, []).extend(grant.columns)
    target = grant_targets(schema)
    for grant in schema.revoked:
        sort = GRANT_KINDS.get(grant.kind, grant.kind.upper())
        name = target(grant.kind, grant.object)
        yield f"REVOKE {grant.privilege.upper()} ON {sort} {name} FROM {role_text(grant.grantee)}"
    for (kind, name, grantee, grantable, _), privileges in together.items():
        words = ", ".join(
            privilege.upper() + (f" ({idents(columns)})" if columns else "")
            for privilege, columns in privileges.items()
        )
        option = " WITH GRANT OPTION" if grantable else ""
        sort = GRANT_KINDS.get(kind, kind.upper())
        yield f"GRANT {words} ON {sort} {target(kind, name)} TO {role_text(grantee)}{option}"


GRANT_KINDS = {
    "view": "TABLE",
    "materialized view": "TABLE",
    "server": "FOREIGN SERVER",
    "function": "ROUTINE",  # a procedure's are the same
}


def grant_targets(schema: Schema) -> Callable[[str, str], str]:
    """How GRANT and REVOKE name an object of a kind, as `Grant` has them."""
    functions = {}
    for key, function in schema.functions.items():
        for spelled in (key, f"{function.name.schema}.{key}"):
            functions[spelled] = signature(function)

    def target(kind: str, name: str) -> str:
        if kind in ("function", "procedure", "routine"):
            return functions.get(name, name)
        if kind in ("table", "view", "materialized view", "sequence", "type", "domain"):
            return qualified(split_name(name) if "." in name else Name("public", name))
        return name if kind == "parameter" else ident(name)

    return target
