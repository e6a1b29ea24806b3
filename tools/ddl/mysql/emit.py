"""DDL of MySQL and MariaDB from the model.

https://dev.mysql.com/doc/refman/8.4/en/sql-data-definition-statements.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from ...engines.limits import quote
from ..emit_text import action, in_order, listed
from ..model import (
    Check,
    Column,
    Dialect,
    ForeignKey,
    Function,
    Generated,
    Grant,
    Index,
    IndexPart,
    Key,
    Name,
    Schema,
    Sequence,
    Sql,
    Table,
    Trigger,
    Type,
    View,
)
from ..tokens import identifiers, words
from .keys import HASHING
from .types import is_literal, string


def emit(schema: Schema) -> list[str]:
    """The statements that make the schema, in an order in which each can run, without `;`.

    Accounts are not of the schema: those of definers are left out, those that GRANT names must
    exist.
    """
    return _Emitter(schema).statements()


class _Emitter:
    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.mariadb = schema.dialect is Dialect.MARIADB

    def statements(self) -> list[str]:
        schema = self.schema
        databases = [f"CREATE DATABASE {self._quote(name)}" for name in schema.namespaces]
        if schema.charset or schema.collation:
            databases.insert(0, f"ALTER DATABASE {_charset(schema.charset, schema.collation)}")
        uses = {
            view.name: identifiers(view.query, schema.dialect) for view in schema.views.values()
        }
        owners: list[Table | View] = [*schema.tables.values(), *schema.views.values()]
        return [
            *databases,
            *map(self._sequence, schema.sequences.values()),
            *self._tables(),
            *map(self._function, schema.functions.values()),
            *(self._view(schema.views[name]) for name in in_order(uses)),
            *(
                self._trigger(owner.name, trigger)
                for owner in owners
                for trigger in owner.triggers.values()
            ),
            *(opaque.sql for opaque in schema.opaque.values()),
            *map(self._grant, schema.grants),
        ]

    def _quote(self, name: str) -> str:
        return quote(self.schema.dialect, name)

    def _name(self, name: Name) -> str:
        schema = f"{self._quote(name.schema)}." if name.schema else ""
        return schema + self._quote(name.name)

    def _names(self, names: Iterable[str]) -> str:
        return ", ".join(map(self._quote, names))

    # Tables

    def _tables(self) -> list[str]:
        """Tables with their foreign keys, which come last where the target does."""
        tables = self.schema.tables
        statements: list[str] = []
        later: list[str] = []
        made: set[Name] = set()
        for table in tables.values():
            made.add(table.name)
            inside = [
                key for key in table.foreign_keys.values() if key.table in made and key.enforced
            ]
            statements.append(self._table(table, inside))
            later += [
                f"ALTER TABLE {self._name(table.name)} ADD {self._foreign_key(key)}"
                for key in table.foreign_keys.values()
                if key.table not in made and key.enforced
            ]
        return statements + later

    def _table(self, table: Table, foreign_keys: list[ForeignKey]) -> str:
        lines = [self._column(table, column) for column in table.columns.values()]
        lines += [
            f"PERIOD FOR {_period(name)} ({value})"
            for name, value in table.options.items()
            if name.startswith("period for ")
        ]
        lines += [self._key(key) for key in table.keys.values()]
        lines += [self._index(index, table.engine) for index in table.indexes.values()]
        lines += [
            self._check(check)
            for check in table.checks.values()
            if not self._at_column(table, check)
        ]
        lines += [self._foreign_key(key) for key in foreign_keys]
        lines += [
            self._foreign_key(key)
            for key in table.foreign_keys.values()
            if not key.enforced and key.name
        ]
        temporary = "TEMPORARY " if table.persistence == "temporary" else ""
        head = f"CREATE {temporary}TABLE {self._name(table.name)} {listed(lines)}"
        return " ".join([head, *self._table_options(table)])

    def _table_options(self, table: Table) -> list[str]:
        options = [f"ENGINE={table.engine}"] if table.engine else []
        charset = _charset(table.charset, table.collation)
        options += [f"DEFAULT {charset}"] if charset else []
        options += [f"TABLESPACE {self._quote(table.tablespace)}"] if table.tablespace else []
        if table.options.get("storage"):
            options.append(f"STORAGE {table.options['storage'].upper()}")
        for name, value in table.options.items():
            if name == "system versioning":
                options.append("WITH SYSTEM VERSIONING")
            elif name != "storage" and not name.startswith("period for "):
                options.append(f"{name.upper()}={_option(name, value)}")
        options += [f"COMMENT={string(table.comment)}"] if table.comment else []
        options += [table.partition_by.text] if table.partition_by else []
        return options

    def _at_column(self, table: Table, check: Check) -> bool:
        """Whether the check is its column's own, which MariaDB names after the column."""
        return self.mariadb and check.name in table.columns

    def _column(self, table: Table, column: Column) -> str:
        said = [self._quote(column.name), type_text(column.type)]
        charset = _charset(column.charset, column.collation, "CHARACTER SET ", "COLLATE ")
        said += [charset] if charset else []
        said += ["BINARY"] * ("binary" in column.options)
        if column.generated is not None:
            said.append(generated_text(column.generated))
        if "srid" in column.options:
            srid = column.options["srid"]
            said.append(f"REF_SYSTEM_ID={srid}" if self.mariadb else f"SRID {srid}")
        said += self._nullability(table, column)
        said += [f"DEFAULT {default_text(column.default)}"] if column.default is not None else []
        said += [f"ON UPDATE {column.on_update}"] if column.on_update is not None else []
        said += ["AUTO_INCREMENT"] * column.auto_increment
        said += ["INVISIBLE"] * column.invisible
        said += [f"COMPRESSED={column.compression}"] if column.compression else []
        said += [f"STORAGE {column.storage.upper()}"] if column.storage else []
        said += _column_options(column.options)
        said += [f"COMMENT {string(column.comment)}"] if column.comment else []
        check = table.checks.get(column.name)
        if check is not None and self._at_column(table, check):
            said.append(f"CHECK ({check.expression}){' NOT ENFORCED' * (not check.enforced)}")
        said += [
            self._references(key)
            for key in table.foreign_keys.values()
            if not key.enforced and not key.name and key.columns == (column.name,)
        ]
        return " ".join(said)

    def _nullability(self, table: Table, column: Column) -> list[str]:
        if column.generated is not None and column.generated.expression in _ROW:
            return []
        if column.not_null is not None:
            return ["NOT NULL"]
        nullable = column.type.name == "timestamp" and column.generated is None
        return ["NULL"] * nullable  # with explicit_defaults_for_timestamp off, it is not

    def _key(self, key: Key) -> str:
        lengths = key.lengths or (None,) * len(key.columns)
        parts = [
            self._part(IndexPart(Sql(name), length=length, descending=name in key.descending))
            for name, length in zip(key.columns, lengths, strict=True)
        ]
        if key.without_overlaps:
            parts[-1] += " WITHOUT OVERLAPS"
        options = dict(key.options)
        using = ["USING HASH"] * bool(options.pop("using", ""))
        return " ".join(
            [f"PRIMARY KEY ({', '.join(parts)})", *using, *_index_options(options, key.comment)]
        )

    def _part(self, part: IndexPart) -> str:
        text = self._quote(part.expression) if part.is_column else f"({part.expression})"
        length = f"({part.length})" if part.length is not None else ""
        return text + length + " DESC" * part.descending

    def _index(self, index: Index, engine: str) -> str:
        kind = "UNIQUE KEY" if index.unique else "KEY"
        if index.method in ("fulltext", "spatial"):
            kind = f"{index.method.upper()} KEY"
        parts = ", ".join(map(self._part, index.parts))
        options = dict(index.options)
        if options.pop("without_overlaps", ""):
            parts += " WITHOUT OVERLAPS"
        said = [f"{kind} {self._quote(index.name)} ({parts})"]
        usual = "hash" if engine.lower() in HASHING else "btree"
        said += [f"USING {index.method.upper()}"] * (index.method in {"btree", "hash"} - {usual})
        said += _index_options(options, index.comment)
        said += [("IGNORED" if self.mariadb else "INVISIBLE")] * index.invisible
        return " ".join(said)

    def _check(self, check: Check) -> str:
        enforced = "" if check.enforced else " NOT ENFORCED"
        return f"CONSTRAINT {self._quote(check.name)} CHECK ({check.expression}){enforced}"

    def _foreign_key(self, key: ForeignKey) -> str:
        return (
            f"CONSTRAINT {self._quote(key.name)} FOREIGN KEY ({self._names(key.columns)})"
            f" {self._references(key)}"
        )

    def _references(self, key: ForeignKey) -> str:
        referenced = f" ({self._names(key.referenced)})" if key.referenced else ""
        said = [f"REFERENCES {self._name(key.table)}{referenced}"]
        said += [f"MATCH {key.match.upper()}"] if key.match != "simple" else []
        return " ".join([*said, *action("DELETE", key.on_delete), *action("UPDATE", key.on_update)])

    # The rest

    def _view(self, view: View) -> str:
        options = view.options
        head = [f"ALGORITHM={options['algorithm'].upper()}"] if "algorithm" in options else []
        head += (
            [f"SQL SECURITY {options['sql security'].upper()}"] if "sql security" in options else []
        )
        columns = f" ({self._names(view.columns)})" if view.columns else ""
        check = options.get("check_option", "")
        tail = f" WITH {check.upper()} CHECK OPTION" if check else ""
        said = " ".join(["CREATE", *head, "VIEW"])
        return f"{said} {self._name(view.name)}{columns} AS {view.query}{tail}"

    def _trigger(self, owner: Name, trigger: Trigger) -> str:
        schema = f"{self._quote(owner.schema)}." if owner.schema else ""
        of = f" OF {self._names(trigger.update_of)}" if trigger.update_of else ""
        events = " OR ".join(trigger.events).upper()
        return (
            f"CREATE TRIGGER {schema}{self._quote(trigger.name)} {trigger.timing.upper()} {events}"
            f"{of} ON {self._name(owner)} FOR EACH ROW {trigger.body}"
        )

    def _function(self, function: Function) -> str:
        arguments = ", ".join(
            " ".join(
                [
                    *([argument.mode.upper()] if function.kind == "procedure" else []),
                    self._quote(argument.name),
                    type_text(argument.type),
                    *([f"DEFAULT {argument.default}"] if argument.default is not None else []),
                ]
            )
            for argument in function.arguments
        )
        said = [f"CREATE {function.kind.upper()} {self._name(function.name)}({arguments})"]
        said += [f"RETURNS {function.returns}"] if function.returns else []
        said += [f"COMMENT {string(function.comment)}"] if function.comment else []
        said += [f"LANGUAGE {function.language.upper()}"] if function.language != "sql" else []
        said += ["DETERMINISTIC"] * (function.volatility == "immutable")
        said += [value.upper() for value in function.settings.values()]
        said += ["SQL SECURITY INVOKER"] * (not function.security_definer)
        return " ".join([*said, function.body])

    def _sequence(self, sequence: Sequence) -> str:
        options = sequence.options
        temporary = "TEMPORARY " if sequence.persistence == "temporary" else ""
        type_ = f" AS {options.type}" if options.type != "bigint" else ""
        return (
            f"CREATE {temporary}SEQUENCE {self._name(sequence.name)}{type_}"
            f" START WITH {options.start} MINVALUE {options.minimum} MAXVALUE {options.maximum}"
            f" INCREMENT BY {options.increment}"
            f" {f'CACHE {options.cache}' if options.cache else 'NOCACHE'}"
            f" {'CYCLE' if options.cycle else 'NOCYCLE'}"
        )

    def _grant(self, grant: Grant) -> str:
        columns = f" ({self._names(grant.columns)})" if grant.columns else ""
        kind = f"{grant.kind.upper()} " if grant.kind != "table" else ""
        target = ".".join(
            part if part == "*" else self._quote(part) for part in grant.object.split(".")
        )
        option = " WITH GRANT OPTION" * grant.grantable
        user, at, host = grant.grantee.rpartition("@")
        account = f"{string(user)}@{string(host)}" if at else string(grant.grantee)
        return f"GRANT {grant.privilege.upper()}{columns} ON {kind}{target} TO {account}{option}"


def type_text(type: Type) -> str:
    """A type as DDL."""
    args = ", ".join([str(string(value)) for value in type.values] or type.args)
    modifiers = [m.upper() for m in ("unsigned", "zerofill") if m in type.modifiers]
    return " ".join([f"{type.name}({args})" if args else type.name, *modifiers])


def generated_text(generated: Generated) -> str:
    """What makes a column a generated one; `ROW START` is of MariaDB's versioned tables."""
    if generated.expression in _ROW:
        return f"GENERATED ALWAYS AS {generated.expression}"
    return f"GENERATED ALWAYS AS ({generated.expression}) {_KINDS[generated.stored]}"


def default_text(default: Sql) -> str:
    """A default value as DDL: an expression in parentheses."""
    return str(default) if is_literal(default) else f"({default})"


def _charset(
    charset: str, collation: str, charset_word: str = "CHARSET=", collate_word: str = "COLLATE="
) -> str:
    said = [f"{charset_word}{charset}"] if charset else []
    return " ".join([*said, *([f"{collate_word}{collation}"] if collation else [])])


def _option(name: str, value: str) -> str:
    plain = value.isascii() and value.replace("_", "").replace("-", "").isalnum()
    if name in _STRINGS or not (plain or value.startswith("(")):
        return string(value)
    return value.upper() if name == "row_format" else value


def _index_options(options: Mapping[str, str], comment: str) -> list[str]:
    said = [
        f"WITH PARSER {value}" if name == "parser" else f"{name.upper()}={_option(name, value)}"
        for name, value in options.items()
    ]
    return said + ([f"COMMENT {string(comment)}"] if comment else [])


def _column_options(options: Mapping[str, str]) -> list[str]:
    said = []
    for name, value in options.items():
        if name == "column_format":
            said.append(f"COLUMN_FORMAT {value.upper()}")
        elif name == "system versioning":
            said.append(f"{'WITH' if value == 'yes' else 'WITHOUT'} SYSTEM VERSIONING")
        elif name not in ("srid", "binary"):
            said.append(f"{name.upper()}={_option(name, value)}")
    return said


def _period(name: str) -> str:
    return name.removeprefix("period for ")


_KINDS: Final = {True: "STORED", False: "VIRTUAL"}
_ROW: Final = ("ROW START", "ROW END")
_STRINGS: Final = words(
    "connection password encryption compression engine_attribute secondary_engine_attribute"
)
