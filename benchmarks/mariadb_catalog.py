"""What MariaDB's information_schema says of a database, as a schema; and as much of a parsed one.

    python benchmarks/mariadb_catalog.py [--verbose] FILE…

Each file must be a script that makes a database, such as a dump; its own CREATE DATABASE and USE
are left out. A private server: own data directory, Unix socket, no network. It needs Debian's
`mariadb-server`.
Expressions are compared as the words they consist of: the server prints them in its own way.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backend_architect.tools.ddl.diff import flatten
from backend_architect.tools.ddl.model import (
    Check,
    Column,
    Dialect,
    ForeignKey,
    Function,
    Generated,
    Index,
    IndexPart,
    Key,
    Name,
    NotNull,
    PartitionBy,
    Schema,
    Sql,
    Table,
    Trigger,
    Type,
    View,
)
from backend_architect.tools.ddl.mysql.emit import emit
from backend_architect.tools.ddl.mysql.parse import fold
from backend_architect.tools.ddl.mysql.tables import is_textual
from backend_architect.tools.ddl.script import Statement, split

Row = dict[str, Any]
USER = "nobody"  # mariadbd refuses to run as root


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, reached through the `mariadb` client."""

    socket: Path

    def apply(self, database: str, statements: Sequence[str]) -> list[str]:
        """Run statements one by one in a new database; the errors, each with its statement."""
        self._client("", f"DROP DATABASE IF EXISTS `{database}`; CREATE DATABASE `{database}`;")
        script = "delimiter ;;;;\n" + "".join(f"{text}\n;;;;\n" for text in statements)
        done = self._client(database, script, "--force")
        return [line for line in done.stderr.splitlines() if line.startswith("ERROR")]

    def rows(self, query: str) -> list[Row]:
        """The rows of a query whose only column is a JSON_OBJECT."""
        done = self._client("", query, "--skip-column-names", "--batch", "--raw")
        if done.returncode:
            raise RuntimeError(done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def _client(self, database: str, text: str, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                *("mariadb", "--no-defaults", "--user=root", "--default-character-set=utf8mb4"),
                *(f"--socket={self.socket}", *options, *([database] if database else [])),
            ],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )


@contextmanager
def server() -> Iterator[Server]:
    """A private server for the time of the block."""
    folder = Path(tempfile.mkdtemp(prefix="mariadb-"))
    socket = folder / "s"
    if os.geteuid() == 0:
        shutil.chown(folder, USER)
    user = [f"--user={USER}"] if os.geteuid() == 0 else []
    options = ["--no-defaults", *user, f"--datadir={folder / 'data'}"]
    subprocess.run(
        ["mariadb-install-db", *options, "--auth-root-authentication-method=normal"],
        check=True,
        capture_output=True,
    )
    process = subprocess.Popen(
        [
            *(_daemon(), *options, f"--socket={socket}", "--skip-networking"),
            *("--character-set-server=utf8mb4", f"--pid-file={folder / 'pid'}"),
            *("--innodb-flush-log-at-trx-commit=0", f"--log-error={folder / 'log'}"),
        ]
    )
    try:
        running = Server(socket)
        for _ in range(300):
            if socket.exists() and running.rows("SELECT JSON_OBJECT('up', 1)"):
                break
            time.sleep(0.1)
        yield running
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def _daemon() -> str:
    return shutil.which("mariadbd") or "/usr/sbin/mariadbd"


@dataclass(frozen=True, slots=True)
class Charsets:
    """The default collation of each character set, and the database's own defaults."""

    collations: Mapping[str, str]
    charset: str
    collation: str

    def effective(self, charset: str, collation: str) -> tuple[str, str]:
        """Character set and collation, the database's where none is given."""
        if not charset and not collation:
            return self.charset, self.collation
        charset = charset or collation.partition("_")[0]
        return charset, collation or self.collations.get(charset, "")


def charsets(server: Server, database: str) -> Charsets:
    """What the server has for a database."""
    collations = {
        row["name"]: row["collation"]
        for row in server.rows(
            "SELECT JSON_OBJECT('name', character_set_name, 'collation', default_collate_name)"
            " FROM information_schema.character_sets"
        )
    }
    (own,) = server.rows(
        "SELECT JSON_OBJECT('charset', default_character_set_name,"
        " 'collation', default_collation_name)"
        f" FROM information_schema.schemata WHERE schema_name = '{database}'"
    )
    return Charsets(collations, own["charset"], own["collation"])


def catalog(server: Server, database: str) -> Schema:
    """A database as information_schema shows it."""
    tables: dict[Name, Table] = {}
    views: dict[Name, View] = {}
    for row in _rows(
        server,
        database,
        "tables",
        "table_name table_type engine table_collation table_comment temporary",
    ):
        name = Name("", row["table_name"])
        if row["table_type"] == "VIEW":
            views[name] = View(name, Sql(""))
        elif row["table_type"] in ("BASE TABLE", "SYSTEM VERSIONED"):
            collation = row["table_collation"] or ""
            tables[name] = Table(
                name,
                engine=row["engine"],
                charset=collation.partition("_")[0],
                collation=collation,
                comment=row["table_comment"],
            )
    parts = [_columns, _indexes, _foreign_keys, _checks, _triggers, _partitions]
    for part in parts:
        for name, fields in part(server, database).items():
            if name in tables:
                tables[name] = replace(tables[name], **fields)
    functions = {
        f"{row['routine_type'].lower()} {row['routine_name']}": Function(
            Name("", row["routine_name"]), kind=row["routine_type"].lower()
        )
        for row in _rows(
            server, database, "routines", "routine_name routine_type", "routine_schema"
        )
    }
    return Schema(Dialect.MARIADB, tables=tables, views=views, functions=functions)


def _rows(
    server: Server,
    database: str,
    view: str,
    columns: str,
    schema: str = "table_schema",
    order: str = "",
) -> list[Row]:
    fields = ", ".join(f"'{column}', {column}" for column in columns.split())
    return server.rows(
        f"SELECT JSON_OBJECT({fields}) FROM information_schema.{view}"
        f" WHERE {schema} = '{database}'{f' ORDER BY {order}' if order else ''}"
    )


def _columns(server: Server, database: str) -> dict[Name, Row]:
    found: dict[Name, Row] = {}
    for row in _rows(
        server,
        database,
        "columns",
        "table_name column_name column_default is_nullable column_type character_set_name"
        " collation_name extra column_comment generation_expression is_generated",
        order="table_name, ordinal_position",
    ):
        extra = row["extra"].lower()
        on_update = re.search(r"on update (\S+)", extra)
        generated = row["generation_expression"]
        column = Column(
            row["column_name"],
            _type(row["column_type"]),
            not_null=NotNull() if row["is_nullable"] == "NO" else None,
            default=_default(row["column_default"]),
            generated=Generated(words(generated), "stored" in extra) if generated else None,
            charset=row["character_set_name"] or "",
            collation=row["collation_name"] or "",
            auto_increment="auto_increment" in extra,
            on_update=words(on_update[1]) if on_update else None,
            invisible="invisible" in extra,
            comment=row["column_comment"],
        )
        columns = found.setdefault(Name("", row["table_name"]), {"columns": {}})["columns"]
        columns[column.name] = column
    return found


def _type(text: str) -> Type:
    name = re.split(r"\W", text, maxsplit=1)[0]
    rest = text.removeprefix(name)
    modifiers = frozenset(
        word for word in ("unsigned", "zerofill") if rest.endswith(word) or f" {word} " in rest
    )
    if name in ("enum", "set"):
        values = tuple(
            value.replace("''", "'").replace("\\\\", "\\")
            for value in re.findall(r"'((?:[^']|'')*)'", rest)
        )
        return Type(name, values=values)
    inside = re.match(r"\(([^)]*)\)", rest)
    args = tuple(inside[1].split(",")) if inside else ()
    integer = name.endswith("int") or name == "year"
    if integer and "zerofill" not in modifiers and (name, args) != ("tinyint", ("1",)):
        args = ()
    return Type(name, args, modifiers=modifiers)


def _default(text: str | None) -> Sql | None:
    return None if text is None or text.upper() == "NULL" else words(text)


def words(expression: str) -> Sql:
    """The words of an expression without quotes around names, parentheses and introducers."""
    found = re.findall(
        r"'(?:[^'\\]|''|\\.)*'|`[^`]*`|\"[^\"]*\"|[\w$.]+|[^\s\w]", expression, re.DOTALL
    )
    plain = [
        word if word[0] in "'\"" else word.strip("`").lower()
        for word in found
        if word not in "()" and not (word.startswith("_") and word[1:] in _CHARSETS)
    ]
    return Sql(" ".join(_SYNONYMS.get(word, word) for word in plain))


_CHARSETS = ("utf8mb4", "utf8mb3", "utf8", "latin1")
_SYNONYMS = {"now": "current_timestamp", "localtime": "current_timestamp", "!=": "<>"}


def _indexes(server: Server, database: str) -> dict[Name, Row]:
    found: dict[Name, Row] = {}
    for row in _rows(
        server,
        database,
        "statistics",
        "table_name index_name column_name collation sub_part non_unique index_type index_comment"
        " ignored",
        order="table_name, index_name, seq_in_index",
    ):
        table = found.setdefault(Name("", row["table_name"]), {"indexes": {}, "keys": {}})
        part = IndexPart(
            Sql(row["column_name"]),
            length=None if row["index_type"] == "SPATIAL" else row["sub_part"],
            descending=row["collation"] == "D",
        )
        name = row["index_name"]
        if name == "PRIMARY":
            key = table["keys"].get(name) or Key(name, (), primary=True)
            lengths = (*key.lengths, part.length)
            table["keys"][name] = replace(
                key,
                columns=(*key.columns, row["column_name"]),
                lengths=lengths,
                descending=(*key.descending, *[row["column_name"]] * part.descending),
                comment=row["index_comment"],
            )
            continue
        index = table["indexes"].get(name) or Index(
            name,
            (),
            unique=not int(row["non_unique"]),
            method=row["index_type"].lower(),
            comment=row["index_comment"],
            invisible=row["ignored"] == "YES",
        )
        table["indexes"][name] = replace(index, parts=(*index.parts, part))
    return found


def _foreign_keys(server: Server, database: str) -> dict[Name, Row]:
    columns: dict[tuple[str, str], list[Row]] = {}
    for row in _rows(
        server,
        database,
        "key_column_usage",
        "table_name constraint_name column_name referenced_table_name referenced_column_name",
        order="table_name, constraint_name, ordinal_position",
    ):
        if row["referenced_table_name"]:
            columns.setdefault((row["table_name"], row["constraint_name"]), []).append(row)
    found: dict[Name, Row] = {}
    for row in _rows(
        server,
        database,
        "referential_constraints",
        "table_name constraint_name delete_rule update_rule",
        "constraint_schema",
    ):
        own = columns[row["table_name"], row["constraint_name"]]
        key = ForeignKey(
            row["constraint_name"],
            tuple(each["column_name"] for each in own),
            Name("", own[0]["referenced_table_name"]),
            tuple(each["referenced_column_name"] for each in own),
            on_delete=_action(row["delete_rule"]),
            on_update=_action(row["update_rule"]),
        )
        table = found.setdefault(Name("", row["table_name"]), {"foreign_keys": {}})
        table["foreign_keys"][key.name] = key
    return found


def _action(rule: str) -> Any:
    """The action; NO ACTION is RESTRICT in InnoDB."""
    return "restrict" if rule.upper() == "NO ACTION" else rule.lower()


def _checks(server: Server, database: str) -> dict[Name, Row]:
    found: dict[Name, Row] = {}
    for row in _rows(
        server,
        database,
        "check_constraints",
        "table_name constraint_name check_clause",
        "constraint_schema",
    ):
        check = Check(row["constraint_name"], words(row["check_clause"]))
        found.setdefault(Name("", row["table_name"]), {"checks": {}})["checks"][check.name] = check
    return found


def _triggers(server: Server, database: str) -> dict[Name, Row]:
    found: dict[Name, Row] = {}
    for row in _rows(
        server,
        database,
        "triggers",
        "trigger_name event_manipulation event_object_table action_timing action_statement",
        "trigger_schema",
        order="action_order",
    ):
        trigger = Trigger(
            row["trigger_name"],
            row["action_timing"].lower(),
            (row["event_manipulation"].lower(),),
            body=" ".join(row["action_statement"].split()),
        )
        table = found.setdefault(Name("", row["event_object_table"]), {"triggers": {}})
        table["triggers"][trigger.name] = trigger
    return found


def _partitions(server: Server, database: str) -> dict[Name, Row]:
    return {
        Name("", row["table_name"]): {"partition_by": PartitionBy(row["partition_method"].lower())}
        for row in _rows(server, database, "partitions", "table_name partition_method")
        if row["partition_method"] and row["partition_method"] != "SYSTEM_TIME"
    }


def visible(schema: Schema, known: Charsets) -> Schema:
    """A parsed schema as the catalog shows it."""
    return Schema(
        Dialect.MARIADB,
        tables={
            name: _visible_table(table, known)
            for name, table in schema.tables.items()
            if table.persistence != "temporary"
        },
        views={name: View(name, Sql("")) for name in schema.views},
        functions={
            f"{function.kind} {function.name.name}": Function(function.name, kind=function.kind)
            for function in schema.functions.values()
        },
    )


def _visible_table(table: Table, known: Charsets) -> Table:
    charset, collation = known.effective(table.charset, table.collation)
    json = [column.name for column in table.columns.values() if column.type.name == "json"]
    checks = {name: Check(name, words(f"json_valid(`{name}`)")) for name in json}
    checks |= {
        check.name: Check(check.name, words(check.expression)) for check in table.checks.values()
    }
    return Table(
        table.name,
        {
            name: _visible_column(column, known, charset, collation)
            for name, column in table.columns.items()
        },
        keys={
            name: replace(key, lengths=key.lengths or (None,) * len(key.columns), options={})
            for name, key in table.keys.items()
        },
        foreign_keys={
            key.name: replace(
                key,
                match="simple",
                on_delete=_action(key.on_delete),
                on_update=_action(key.on_update),
            )
            for key in table.foreign_keys.values()
            if key.enforced
        },
        checks=checks,
        indexes={name: replace(index, options={}) for name, index in table.indexes.items()},
        triggers={
            name: replace(trigger, body=" ".join(trigger.body.split()))
            for name, trigger in table.triggers.items()
        },
        partition_by=PartitionBy(table.partition_by.strategy)
        if table.partition_by and table.partition_by.strategy != "system_time"
        else None,
        engine=table.engine,
        charset=charset,
        collation=collation,
        comment=table.comment,
    )


def _visible_column(column: Column, known: Charsets, charset: str, collation: str) -> Column:
    json = column.type.name == "json"
    own = ("", "")
    if json:
        own = ("utf8mb4", "utf8mb4_bin")
    elif is_textual(column.type):
        given = (column.charset, column.collation)
        if "binary" in column.options:  # of whatever character set holds
            given = (charset, f"{charset}_bin")
        own = known.effective(*given) if any(given) else (charset, collation)
    generated = column.generated
    return replace(
        column,
        type=Type("longtext") if json else column.type,
        not_null=None if column.not_null is None else NotNull(),
        default=None if column.default is None else words(column.default),
        generated=generated and Generated(words(generated.expression), generated.stored),
        charset=own[0],
        collation=own[1],
        on_update=None if column.on_update is None else words(column.on_update),
        storage="",
        compression="",
        options={},
    )


_USE = re.compile(r"^\s*USE\s+`?(\w+)", re.IGNORECASE | re.MULTILINE)
_ELSEWHERE = re.compile(r"(CREATE|DROP|ALTER)\s+(DATABASE|SCHEMA)\b|(USE|GRANT)\b", re.IGNORECASE)


def prove(server: Server, path: Path, *, verbose: bool) -> bool:
    """Print how one script comes through: parsed, applied, emitted, applied again."""
    text = path.read_text("utf-8", "replace")
    used = _USE.search(text)
    database = used[1] if used else "proof"  # views may name it
    statements, _ = split(text, path.name, Dialect.MARIADB)
    schema = fold(statements, Dialect.MARIADB)
    failed = _applied(server, database, [statement.text for statement in statements])
    known = charsets(server, database)
    if schema.charset:
        default = schema.collation or known.collations[schema.charset]
        known = replace(known, charset=schema.charset, collation=default)
    original = flatten(catalog(server, database))
    parsed = flatten(visible(schema, known))
    emitted = emit(schema)
    refused = _applied(server, database, emitted)
    repeated = flatten(catalog(server, database))
    reparsed = fold((Statement("", 0, text) for text in emitted), Dialect.MARIADB)
    same = flatten(reparsed) == flatten(schema)
    wrong = [key for key in parsed.keys() | original.keys() if parsed.get(key) != original.get(key)]
    lost = [key for key in repeated.keys() | parsed.keys() if repeated.get(key) != parsed.get(key)]
    share = 100 - 100 * len(wrong) / max(len(parsed.keys() | original.keys()), 1)
    print(
        f"{path.name:36} {len(original):6} {share:7.2f} % {len(lost):6}"
        f" {'yes' if same else 'NO':>8}"
        f" {len(schema.unread):6} {len(failed):6} {len(refused):6}"
    )
    if verbose:
        for key in sorted(wrong):
            print(f"  {key}\n    parsed  {parsed.get(key)}\n    catalog {original.get(key)}")
        for error in [*failed, *refused]:
            print(f"  {error}")
    return same and not wrong and not lost


def _applied(server: Server, database: str, statements: Sequence[str]) -> list[str]:
    own = [text for text in statements if not _ELSEWHERE.match(text)]
    return server.apply(database, ["SET foreign_key_checks = 0", *own])


def main(arguments: Sequence[str]) -> int:
    """Prove all files."""
    verbose = "--verbose" in arguments
    files = [Path(argument) for argument in arguments if argument != "--verbose"]
    print(
        f"{'file':36} {'objects':>6} {'equal':>8} {'emitted':>8} {'reparsed':>8}"
        f" {'unread':>6} {'failed':>6} {'refused':>6}"
    )
    with server() as running:
        results = [prove(running, path, verbose=verbose) for path in files]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
