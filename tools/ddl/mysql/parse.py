"""The fold of MySQL's and MariaDB's DDL.

https://dev.mysql.com/doc/refman/8.4/en/sql-data-definition-statements.html,
https://mariadb.com/kb/en/data-definition/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from ...patterns import compiled
from ..model import At, Dialect, Name, Namespace, Schema
from ..script import Statement
from ..state import Draft, spelled
from ..tokens import NotUnderstood, words
from .alter import Alter, rename_table
from .code import CodeFold
from .objects import ObjectFold
from .rights import RightsFold
from .tables import TableReader, engine_name
from .types import charset_of, read_charset, read_collation


def fold(statements: Iterable[Statement], dialect: Dialect = Dialect.MYSQL) -> Schema:
    """The schema after all statements in order."""
    state = _MySQL(dialect)
    for statement in statements:
        state.read(statement)
    state.resolve_all()
    state.settle()
    return state.schema()


class _MySQL(CodeFold, ObjectFold, RightsFold):
    def read(self, statement: Statement) -> None:
        """Take one statement in."""
        self.statement = statement
        first = _FIRST.match(statement.text)
        word = first[1].upper() if first else ""
        if word in _DATA:
            return
        if word in _RUN_TIME:
            self.skip(_RUN_TIME[word])
            return
        try:
            self.read_whole(self._statement)
        except NotUnderstood as error:
            self.skip(error.reason, error.offset if word in _PARTLY else 0)

    def _statement(self) -> None:
        reader = self.reader
        for beginning, read in (
            (("CREATE",), self._create),
            (("ALTER",), self._alter),
            (("DROP",), self._drop),
            (("RENAME",), self._rename),
            (("USE",), self._use),
            (("SET",), self._set),
            (("GRANT",), self._grant),
            (("REVOKE",), self._revoke),
        ):
            if reader.takes(*beginning):
                read()
                return
        raise reader.error("a statement that is not known")

    def _use(self) -> None:
        database = self.reader.name()
        if self.home is None:
            self.home = database
            self.current = ""
            self._go_home(database)
        self.current = "" if database == self.home else database

    def _go_home(self, database: str) -> None:
        """What was created under this database's name so far belongs to no name from now on."""
        self.namespaces.pop(database, None)
        self.tables = {
            (Name("", name.name) if name.schema == database else name): draft
            for name, draft in self.tables.items()
        }
        for name, draft in self.tables.items():
            draft.name = name
            draft.foreign_keys = {
                label: replace(key, table=Name("", key.table.name))
                if key.table.schema == database
                else key
                for label, key in draft.foreign_keys.items()
            }
            self.add_table(draft)

    def _set(self) -> None:
        reader = self.reader
        while not reader.done:
            if reader.takes_any("DEFAULT_STORAGE_ENGINE", "STORAGE_ENGINE"):
                reader.takes_any("=", ":=")
                token = reader.next()
                if token.kind in ("word", "string", "quoted") and token.key != "DEFAULT":
                    self.default_engine = engine_name(token.text)
            else:
                reader.next()

    def _create(self) -> None:
        reader = self.reader
        replacing = reader.takes("OR", "REPLACE")
        temporary = reader.takes("TEMPORARY")
        options, owner = self._definer()
        at = self.place(0)
        if reader.takes("TABLE"):
            self._create_table(at, temporary=temporary, replacing=replacing)
        elif reader.takes("VIEW"):
            self._create_view(at, options, owner, replacing=replacing)
        elif reader.sees_any("INDEX", "UNIQUE", "FULLTEXT") or reader.sees("SPATIAL", "INDEX"):
            self._create_index(at, replacing=replacing)
        elif reader.takes("TRIGGER"):
            self._create_trigger(at, owner, replacing=replacing)
        elif reader.takes("PROCEDURE"):
            self._create_function("procedure", at, owner, replacing=replacing)
        elif reader.takes("FUNCTION") or reader.takes("AGGREGATE", "FUNCTION"):
            self._create_function("function", at, owner, replacing=replacing)
        elif reader.takes("DATABASE") or reader.takes("SCHEMA"):
            self._create_database(at)
        elif reader.takes("SEQUENCE"):
            self._create_sequence(at, temporary=temporary, replacing=replacing)
        elif reader.sees_any("USER", "ROLE"):
            reader.rest()  # accounts are no part of a schema
        else:
            self._create_opaque(at, replacing=replacing)

    def _create_table(self, at: At, *, temporary: bool, replacing: bool) -> None:
        reader = self.reader
        conditional = reader.takes("IF", "NOT", "EXISTS")
        name = self.name()
        known = self.known(self.tables, name)
        exists = known in self.tables
        if exists and conditional:
            reader.rest()
            return
        if exists and not replacing:
            raise NotUnderstood(f"the table `{name}` exists already", 0)
        table = Draft(self.dialect, name, engine=self.default_engine, at=at)
        table.persistence = "temporary" if temporary else "permanent"
        if name.schema and name.schema in self.databases:
            table.charset, table.collation = self.databases[name.schema]
        if reader.takes("LIKE") or reader.takes("(", "LIKE"):
            self._copy(table)
            reader.takes(")")
        else:
            self._define(table)
        if exists:
            del self.tables[known]
        self.add_table(table)

    def _copy(self, table: Draft) -> None:
        """CREATE TABLE … LIKE: everything but foreign keys and triggers."""
        source = self.tables.get(self.known(self.tables, self.name()))
        if source is None:
            raise NotUnderstood("the table to copy is not known", 0)
        table.columns = dict(source.columns)
        table.keys = dict(source.keys)
        table.indexes = dict(source.indexes)
        table.options = dict(source.options)
        table.options.pop("auto_increment", None)
        table.engine, table.comment = source.engine, source.comment
        table.charset, table.collation = source.charset, source.collation
        table.partition_by = source.partition_by
        prefix = f"{source.name.name}_chk_"
        for check in source.checks.values():
            copied = check.name.removeprefix(prefix)
            name = f"{table.name.name}_chk_{copied}" if copied != check.name else check.name
            table.checks[name] = replace(check, name=name)

    def _define(self, table: Draft) -> None:
        reader = self.reader
        tables = TableReader(self, reader, table, self.name)
        listed = reader.position
        if reader.sees("(") and not reader.sees("(", "SELECT"):
            tables.elements()
        start = reader.position
        while not reader.done and not reader.sees_any("PARTITION", ";"):
            reader.takes(",")
            if self._query_comes() or not tables.option():
                break
        if reader.sees("PARTITION", "BY"):
            tables.partition_by()
        tables.finish()
        tables.inherit_charset()
        if self._query_comes():
            offset = reader.offset
            reader.rest()
            if start == listed:
                raise NotUnderstood("the columns of a query are not known", 0)
            self.skip("the columns that the query adds are not known", offset)
        elif not reader.done and not reader.sees(";"):
            error = reader.error("a table option expected")
            reader.rest()
            self.skip(error.reason, error.offset)

    def _query_comes(self) -> bool:
        return self.reader.sees_any(
            "AS", "SELECT", "IGNORE", "REPLACE", "WITH", "VALUES", "("
        ) and (not self.reader.sees("WITH", "SYSTEM"))

    def _create_index(self, at: At, *, replacing: bool) -> None:
        reader = self.reader
        kind = reader.takes_any("UNIQUE", "FULLTEXT", "SPATIAL").lower() or "index"
        reader.expects("INDEX")
        conditional = reader.takes("IF", "NOT", "EXISTS")
        name = reader.name()
        method = reader.name().lower() if reader.takes_any("USING", "TYPE") else ""
        reader.expects("ON")
        table = self._table()
        tables = TableReader(self, reader, table, self.name)
        definition = tables.key_parts(kind, name, at)
        definition.method = definition.method or method
        while reader.takes_any("ALGORITHM", "LOCK", "WAIT", "NOWAIT"):
            reader.takes("=")
            if not reader.done:
                reader.next()
        definition.conditional = conditional
        if replacing:
            table.indexes.pop(spelled(table.indexes, name), None)
        tables.add_key(definition)

    def _create_database(self, at: At) -> None:
        conditional = self.reader.takes("IF", "NOT", "EXISTS")
        name = self.reader.name()
        if name in self.databases and conditional:
            self.reader.rest()
            return
        self._database_options(name)
        if self.home is None or name != self.home:
            self.namespaces[name] = Namespace(name, at=at)

    def _database_options(self, name: str) -> None:
        reader = self.reader
        charset, collation = self.databases.get(name, ("", ""))
        while not reader.done and not reader.sees(";"):
            reader.takes("DEFAULT")
            if reader.takes("CHARACTER", "SET") or reader.takes("CHARSET"):
                charset, collation = read_charset(reader), ""
            elif reader.takes("COLLATE"):
                collation = read_collation(reader)
                charset = charset_of(collation) or charset
            elif reader.takes_any("ENCRYPTION", "COMMENT") or reader.takes("READ", "ONLY"):
                reader.takes("=")
                reader.next()
            else:
                raise reader.error("a database option expected")
        self.databases[name] = (charset, collation)

    def _alter(self) -> None:
        reader = self.reader
        reader.takes_any("ONLINE", "OFFLINE", "IGNORE")
        if reader.takes("TABLE"):
            self._alter_table()
        elif reader.takes("DATABASE") or reader.takes("SCHEMA"):
            options = (
                "DEFAULT",
                "CHARACTER",
                "CHARSET",
                "COLLATE",
                "ENCRYPTION",
                "READ",
                "COMMENT",
            )
            named = not reader.sees_any(*options)
            database = reader.name() if named else self.current or self.home or ""
            self._keep_charset(database)
            self._database_options(database)
        elif reader.takes("SEQUENCE"):
            conditional = reader.takes("IF", "EXISTS")
            name = self.name()
            if name in self.sequences:
                before = self.sequences[name]
                self.sequences[name] = replace(
                    before, options=self._sequence_options(before.options)
                )
            elif not conditional:
                raise NotUnderstood(f"the sequence `{name}` is not known", 0)
            else:
                reader.rest()
        elif reader.sees_any("USER", "ROLE", "INSTANCE"):
            reader.rest()
        else:
            self._alter_routine()

    def _keep_charset(self, database: str) -> None:
        """Give a database's tables the default that they were made with, before it changes."""
        charset, collation = self.databases.get(database, ("", ""))
        for name, table in self.tables.items():
            if name.schema == ("" if database == self.home else database) and not table.charset:
                table.charset, table.collation = charset, collation

    def _alter_table(self) -> None:
        reader = self.reader
        conditional = reader.takes("IF", "EXISTS")
        if conditional and self.known(self.tables, self._peeked()) not in self.tables:
            reader.rest()
            return
        table = self._table()
        while reader.takes_any("WAIT", "NOWAIT"):
            if reader.token.kind == "number":
                reader.next()
        Alter(self, reader, table, self.name).read()

    def _peeked(self) -> Name:
        position = self.reader.position
        name = self.name()
        self.reader.position = position
        return name

    def _alter_routine(self) -> None:
        reader = self.reader
        options, owner = self._definer()
        if reader.takes("VIEW"):
            reader.takes("IF", "EXISTS")
            name = self.known(self.views, self.name())
            if name not in self.views:
                raise NotUnderstood(f"the view `{name}` is not known", 0)
            self.views[name] = self._view(name, self.place(0), options, owner)
            return
        kind = reader.takes_any("FUNCTION", "PROCEDURE").lower()
        if not kind:
            raise reader.error("ALTER of an object of unknown kind")
        label = self._function(kind, self.name())
        if not label:
            raise NotUnderstood(f"the {kind} is not known", 0)
        self.functions[label] = self._characteristics(self.functions[label])

    def _drop(self) -> None:
        reader = self.reader
        temporary = reader.takes("TEMPORARY")
        if reader.takes("TABLE") or reader.takes("TABLES"):
            self._drop_all("table", self._drop_table)
        elif reader.takes("VIEW"):
            self._drop_all("view", self._drop_view)
        elif reader.takes("SEQUENCE"):
            self._drop_all("sequence", lambda name: self.sequences.pop(name, None) is not None)
        elif reader.takes("INDEX"):
            conditional = reader.takes("IF", "EXISTS")
            position = reader.position
            reader.name()
            reader.expects("ON")
            table = self._table()
            end, reader.position = reader.position, position
            if not conditional or spelled(table.indexes, reader.token.text) in table.indexes:
                Alter(self, reader, table, self.name).drop_index()
            reader.position = end
            while reader.takes_any("ALGORITHM", "LOCK", "WAIT", "NOWAIT"):
                reader.takes("=")
                if not reader.done:
                    reader.next()
        elif reader.takes("TRIGGER"):
            self._drop_all("trigger", self._drop_trigger)
        elif reader.sees_any("FUNCTION", "PROCEDURE"):
            kind = reader.next().text.lower()
            self._drop_all(kind, lambda name: self._drop_function(kind, name))
        elif reader.takes("DATABASE") or reader.takes("SCHEMA"):
            reader.takes("IF", "EXISTS")
            self._drop_database(reader.name())
        elif reader.sees_any("USER", "ROLE", "PREPARE"):
            reader.rest()
        elif not temporary:
            self._drop_opaque()

    def _drop_all(self, kind: str, drop: Callable[[Name], bool]) -> None:
        conditional = self.reader.takes("IF", "EXISTS")
        while True:
            offset = self.reader.offset
            name = self.name()
            if not drop(name) and not conditional:
                self.skip(f"the {kind} `{name}` is not known", offset)
            if not self.reader.takes(","):
                break
        self.reader.takes_any("RESTRICT", "CASCADE")
        self.reader.takes_any("WAIT", "NOWAIT")

    def _drop_table(self, name: Name) -> bool:
        return self.tables.pop(self.known(self.tables, name), None) is not None

    def _drop_view(self, name: Name) -> bool:
        return self.views.pop(self.known(self.views, name), None) is not None

    def _drop_trigger(self, name: Name) -> bool:
        for table in self.tables.values():
            known = spelled(table.triggers, name.name)
            if table.name.schema == name.schema and known in table.triggers:
                del table.triggers[known]
                return True
        return False

    def _drop_function(self, kind: str, name: Name) -> bool:
        label = self._function(kind, name)
        if label:
            del self.functions[label]
            return True
        return self.opaque.pop(("loadable function", name.name), None) is not None

    def _drop_database(self, database: str) -> None:
        schema = "" if database == self.home else database
        self.namespaces.pop(database, None)
        self.databases.pop(database, None)
        self.tables = {n: t for n, t in self.tables.items() if n.schema != schema}
        self.views = {n: v for n, v in self.views.items() if n.schema != schema}
        self.sequences = {n: s for n, s in self.sequences.items() if n.schema != schema}
        self.functions = {
            label: f for label, f in self.functions.items() if f.name.schema != schema
        }

    def _rename(self) -> None:
        reader = self.reader
        if reader.takes("USER"):
            reader.rest()
            return
        if not reader.takes_any("TABLE", "TABLES"):
            raise reader.error("`TABLE` expected")
        reader.takes("IF", "EXISTS")
        while True:
            offset = reader.offset
            old = self.name()
            while reader.takes_any("WAIT", "NOWAIT"):
                if reader.token.kind == "number":
                    reader.next()
            reader.expects("TO")
            self._rename_one(old, self.name(), offset)
            if not reader.takes(","):
                return

    def _rename_one(self, old: Name, new: Name, offset: int) -> None:
        old = self.known(self.tables, old)
        if old in self.tables:
            rename_table(self, self.tables[old], new)
        elif old in self.views:
            view = self.views.pop(old)
            self.add_view(replace(view, name=new))
        elif old in self.sequences:
            self.sequences[new] = replace(self.sequences.pop(old), name=new)
        else:
            self.skip(f"the table `{old}` is not known", offset)


_FIRST: Final = compiled(r"(?>\s+|--[^\n]*\n|#[^\n]*\n|/\*.*?\*/|\()*+([A-Za-z_]+)", re.DOTALL)
_PARTLY: Final = frozenset(("CREATE", "ALTER", "DROP"))
_DATA: Final = words(
    "INSERT REPLACE UPDATE DELETE SELECT WITH VALUES TRUNCATE LOAD LOCK UNLOCK START BEGIN"
    " COMMIT ROLLBACK SAVEPOINT RELEASE FLUSH ANALYZE OPTIMIZE CHECK CHECKSUM REPAIR SHOW"
    " DESCRIBE DESC EXPLAIN DO DEALLOCATE HELP KILL RESET PURGE CHANGE STOP HANDLER IMPORT"
    " INSTALL UNINSTALL CACHE XA TABLE SIGNAL BINLOG SHUTDOWN RESTART END"
)
_RUN_TIME: Final = {
    "CALL": "calls a procedure, which may change the schema",
    "PREPARE": "a statement that is built at run time",
    "EXECUTE": "a statement that is built at run time",
    "SOURCE": "reads another file",
    "DELIMITER": "a command of the client",
}
