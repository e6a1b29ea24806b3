"""The fold of SQLite's DDL. https://www.sqlite.org/lang.html"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final, Self

from ...engines.limits import quote
from ...patterns import compiled
from ..model import (
    At,
    Dialect,
    Index,
    Name,
    NotNull,
    Opaque,
    Schema,
    Sql,
    Trigger,
    View,
)
from ..script import Statement
from ..state import Draft, Fold, spelled
from ..tokens import NotUnderstood, Reader, identifiers, renamed, retold, words
from .tables import TableReader, index_part


def fold(statements: Iterable[Statement]) -> Schema:
    """The schema after all statements in order."""
    return SqliteFold(Dialect.SQLITE).read_all(statements).finished()


def fold_both(
    shared: Iterable[Statement], first: Iterable[Statement], second: Iterable[Statement]
) -> tuple[Schema, Schema]:
    """The schemas of two scripts that begin alike; the places of what is shared are the first's."""
    state = SqliteFold(Dialect.SQLITE).read_all(shared)
    twin = state.copy()
    return state.read_all(first).finished(), twin.read_all(second).finished()


def fold_alike(
    first: Iterable[Statement], second: Iterable[Statement], made: Mapping[int, str]
) -> tuple[Schema, Schema | None, list[Name]]:
    """The schemas of two scripts, and the tables that the second has from the first.

    `made` is `alike.made_alike`. The second is None if it could be another, folded alone.
    """
    one, other = SqliteFold(Dialect.SQLITE).read_all(first), SqliteFold(Dialect.SQLITE)
    tables = {name.name.lower(): name for name in one.tables}
    wanted = set(filter(None, made.values()))
    if len(tables) < len(one.tables) or not tables.keys() >= wanted:
        return one.finished(), None, []
    for number, statement in enumerate(second):
        if number not in made:
            other.read(statement)
        elif made[number]:
            other.adopt(one.tables[tables[made[number]]])
    return one.finished(), other.finished(), [tables[name] for name in wanted]


class SqliteFold(Fold):
    """The schema between two statements of SQLite."""

    def read_all(self, statements: Iterable[Statement]) -> Self:
        """Take statements in."""
        for statement in statements:
            self.read(statement)
        return self

    def adopt(self, draft: Draft) -> None:
        """Take over a table of another script, unless it is there."""
        if draft.name not in self.tables:
            self.add_table(mine := draft.copy())
            self._indexes |= {name.lower(): mine for name in mine.indexes}

    def finished(self) -> Schema:
        """The schema after the last statement."""
        self.resolve_all()
        return self.schema()

    def read(self, statement: Statement) -> None:
        """Take one statement in."""
        self.statement = statement
        first = _FIRST.match(statement.text)
        word = first[1].upper() if first else ""
        if word == "INSERT" and _SCHEMA_ROW.match(
            statement.text[first.start(1) :] if first else ""
        ):
            self._schema_row()
            return
        if word in _DATA:
            return
        try:
            self.read_whole(self._statement)
        except NotUnderstood as error:
            self.skip(error.reason, error.offset)

    def _statement(self) -> None:
        reader = self.reader
        if reader.takes("CREATE"):
            self._create()
        elif reader.takes("ALTER", "TABLE"):
            self._alter()
        elif reader.takes("DROP"):
            self._drop()
        else:
            raise reader.error("a statement that is not known")

    def _schema_row(self) -> None:
        """A virtual table in a dump: a row of sqlite_schema that holds its statement."""
        try:
            reader = Reader(self.statement.text, self.dialect)
            while not reader.takes("VALUES"):
                reader.next()
            reader.expects("(")
            values = [reader.next().text]
            while reader.takes(","):
                values.append(reader.next().text)
            name, sql = values[1], values[4]
        except (NotUnderstood, IndexError):
            self.skip("a row of the schema table that is not understood")
            return
        module = _USING.search(sql)
        self._add_virtual(name, module[1] if module else "", sql, self.place(0))

    def name(self) -> Name:
        """A qualified name; `main` and `temp` are no schemas of the model."""
        parts = self.reader.path()
        schema = parts[0] if len(parts) > 1 else ""
        return Name("" if schema.lower() in ("main", "temp") else schema, parts[-1])

    # CREATE

    def _create(self) -> None:
        reader = self.reader
        at = self.place(0)
        temporary = bool(reader.takes_any("TEMP", "TEMPORARY"))
        if reader.takes("TABLE"):
            self._create_table(at, temporary=temporary)
        elif reader.takes("VIRTUAL", "TABLE"):
            self._create_virtual(at)
        elif reader.takes("VIEW"):
            self._create_view(at, temporary=temporary)
        elif reader.takes("TRIGGER"):
            self._create_trigger(at)
        else:
            unique = reader.takes("UNIQUE")
            reader.expects("INDEX")
            self._create_index(at, unique=unique)

    def _exists(self, name: Name, *, conditional: bool) -> bool:
        """Whether a table or view has the name; an error unless IF NOT EXISTS was said."""
        taken = (
            self.known(self.tables, name) in self.tables
            or self.known(self.views, name) in self.views
            or ("virtual table", str(name)) in self.opaque
        )
        if taken and not conditional:
            raise NotUnderstood(f"`{name}` exists already", 0)
        if taken:
            self.reader.rest()
        return taken

    def _create_table(self, at: At, *, temporary: bool) -> None:
        reader = self.reader
        conditional = reader.takes("IF", "NOT", "EXISTS")
        temporary = temporary or reader.sees("TEMP", ".")
        name = self.name()
        if name.name.lower() in self._shadows or name.name.lower().startswith("sqlite_"):
            reader.rest()  # the engine's own, which a dump lists with the others
            return
        if self._exists(name, conditional=conditional):
            return
        table = Draft(self.dialect, name, at=at)
        table.persistence = "temporary" if temporary else "permanent"
        if reader.takes("AS"):
            reader.rest()
            raise NotUnderstood("the columns of a query are not known", 0)
        TableReader(self, reader, table).definition()
        self.add_table(table)

    def _create_virtual(self, at: At) -> None:
        conditional = self.reader.takes("IF", "NOT", "EXISTS")
        name = self.name()
        if self._exists(name, conditional=conditional):
            return
        self.reader.expects("USING")
        self._add_virtual(str(name), self.reader.name(), self.statement.text.strip(), at)
        self.reader.rest()

    def _add_virtual(self, name: str, module: str, text: str, at: At) -> None:
        self.opaque["virtual table", name] = Opaque("virtual table", name, text, at=at)
        for suffix in _SHADOWS.get(module.lower(), ""):
            self._shadows.add(f"{name}_{suffix}".lower())

    def _create_view(self, at: At, *, temporary: bool) -> None:
        reader = self.reader
        conditional = reader.takes("IF", "NOT", "EXISTS")
        name = self.name()
        if self._exists(name, conditional=conditional):
            return
        columns = reader.names() if reader.sees("(") else ()
        reader.expects("AS")
        options = {"temporary": "yes"} if temporary else {}
        self.add_view(View(name, Sql(reader.rest()), columns, options=options, at=at))

    def _create_trigger(self, at: At) -> None:
        reader = self.reader
        conditional = reader.takes("IF", "NOT", "EXISTS")
        name = self.name().name
        timing = "before"
        if reader.takes("INSTEAD", "OF"):
            timing = "instead of"
        elif reader.sees_any("BEFORE", "AFTER"):
            timing = reader.next().text.lower()
        event = reader.takes_any("INSERT", "UPDATE", "DELETE").lower()
        if not event:
            raise reader.error("the trigger's event expected")
        columns: list[str] = []
        if reader.takes("OF"):
            columns.append(reader.name())
            while reader.takes(","):
                columns.append(reader.name())
        reader.expects("ON")
        offset = reader.offset
        relation = self.name()
        reader.takes("FOR", "EACH", "ROW")
        when = None
        if reader.takes("WHEN"):
            start = reader.position
            while not reader.done and not reader.sees("BEGIN"):
                if reader.sees("("):
                    reader.skip_group()
                else:
                    reader.next()
            when = Sql(reader.source(start))
        if not reader.sees("BEGIN"):
            raise reader.error("`BEGIN` expected")
        trigger = Trigger(
            name, timing, (event,), tuple(columns), when=when, body=reader.rest(), at=at
        )
        existing = self._trigger_of(name)
        if existing is not None:
            if not conditional:
                raise NotUnderstood(f"the trigger `{name}` exists already", 0)
            return
        self._add_trigger(relation, trigger, offset)

    def _add_trigger(self, relation: Name, trigger: Trigger, offset: int) -> None:
        self._triggers.add(trigger.name.lower())
        table = self.tables.get(self.known(self.tables, relation))
        view = self.views.get(self.known(self.views, relation))
        if table is not None:
            columns = tuple(table.column(column) for column in trigger.update_of)
            table.triggers[trigger.name] = replace(trigger, update_of=columns)
        elif view is not None:
            triggers = {**view.triggers, trigger.name: trigger}
            self.views[view.name] = replace(view, triggers=triggers)
        else:
            raise NotUnderstood(f"the table `{relation}` is not known", offset)

    def _trigger_of(self, name: str) -> Draft | View | None:
        if name.lower() not in self._triggers:
            return None
        owners: list[Draft | View] = [*self.tables.values(), *self.views.values()]
        for owner in owners:
            if owner.triggers and spelled(owner.triggers, name) in owner.triggers:
                return owner
        return None

    def _create_index(self, at: At, *, unique: bool) -> None:
        reader = self.reader
        conditional = reader.takes("IF", "NOT", "EXISTS")
        name = self.name().name
        reader.expects("ON")
        offset = reader.offset
        table = self._table(Name("", reader.name()), offset)
        reader.expects("(")
        parts = [index_part(reader, table)]
        while reader.takes(","):
            parts.append(index_part(reader, table))
        reader.expects(")")
        where = None
        if reader.takes("WHERE"):
            start = reader.position
            while not reader.done and not reader.sees(";"):
                reader.next()
            where = Sql(reader.source(start))
        lacking = table.lacks(str(part.expression) for part in parts if part.is_column)
        if lacking:
            raise NotUnderstood(f"an index on the column `{lacking}`, which is not there", offset)
        if self._index_of(name) is not None:
            if not conditional:
                raise NotUnderstood(f"the index `{name}` exists already", 0)
            return
        table.indexes[name] = Index(name, tuple(parts), unique=unique, where=where, at=at)
        self._indexes[name.lower()] = table

    def _index_of(self, name: str) -> Draft | None:
        table = self._indexes.get(name.lower())
        if table is None or self.tables.get(table.name) is not table:
            return None
        return table if spelled(table.indexes, name) in table.indexes else None

    def _table(self, name: Name, offset: int) -> Draft:
        known = self.known(self.tables, name)
        if known not in self.tables:
            raise NotUnderstood(f"the table `{name}` is not known", offset)
        return self.tables[known]

    # ALTER

    def _alter(self) -> None:
        reader = self.reader
        offset = reader.offset
        name = self.name()
        virtual = spelled([label for _, label in self.opaque], str(name))
        if ("virtual table", virtual) in self.opaque:
            self._alter_virtual(virtual)
            return
        table = self._table(name, offset)
        tables = TableReader(self, reader, table)
        if reader.takes("RENAME", "TO"):
            self._rename_table(table, reader.name())
        elif reader.takes("RENAME"):
            reader.takes("COLUMN")
            old = self._column(table)
            reader.expects("TO")
            self._rename_column(table, old, reader.name())
        elif reader.takes("ADD"):
            if reader.takes("CONSTRAINT") or reader.sees("CHECK", "("):
                if not reader.sees("CHECK", "("):
                    reader.position -= 1
                tables.constraint()
            else:
                reader.takes("COLUMN")
                reader.takes("IF", "NOT", "EXISTS")
                if table.full:
                    raise reader.error("more than an engine takes in one table")
                tables.column()
            tables.finish()
        elif reader.takes("DROP", "CONSTRAINT"):
            known = spelled(table.checks, reader.name())
            if known not in table.checks:
                raise reader.error("no such constraint")
            del table.checks[known]
        elif reader.takes("DROP"):
            reader.takes("COLUMN")
            table.drop_column(self._column(table))
        elif reader.takes("ALTER"):
            self._alter_column(table)
        else:
            raise reader.error("an action expected")

    def _alter_column(self, table: Draft) -> None:
        reader = self.reader
        reader.takes("COLUMN")
        name = self._column(table)
        column = table.columns[name]
        if reader.takes("DROP", "NOT", "NULL"):
            table.columns[name] = replace(column, not_null=None)
        else:
            reader.expects("SET", "NOT", "NULL")
            table.columns[name] = replace(column, not_null=NotNull(at=self.place(0)))

    def _alter_virtual(self, name: str) -> None:
        self.reader.expects("RENAME", "TO")
        new = self.reader.name()
        opaque = self.opaque.pop(("virtual table", name))
        self.opaque["virtual table", new] = replace(opaque, name=new)

    def _column(self, table: Draft) -> str:
        position = self.reader.position
        name = table.column(self.reader.name())
        if name not in table.columns:
            self.reader.position = position
            raise self.reader.error("no such column")
        return name

    def _rename_table(self, table: Draft, name: str) -> None:
        old, new = table.name, Name(table.name.schema, name)
        if self.known(self.tables, new) != old and self._exists(new, conditional=False):
            return
        del self.tables[old]
        table.name = new
        self.add_table(table)
        self.rename_references(old, new)
        written = quote(self.dialect, name)
        self._retell(lambda text: retold(text, old.name, written), old.name)

    def _retell(self, change: Callable[[str], str], old: str) -> None:
        """Change the text of views and triggers; report those that may still mean the old name."""
        for draft in self.tables.values():
            draft.triggers = self._retold_triggers(draft.triggers, change, old)
        for view in list(self.views.values()):
            query = Sql(change(view.query))
            self._mentions("view", view.name.name, query, old)
            triggers = self._retold_triggers(view.triggers, change, old)
            self.views[view.name] = replace(view, query=query, triggers=triggers)

    def _retold_triggers(
        self, triggers: Mapping[str, Trigger], change: Callable[[str], str], old: str
    ) -> dict[str, Trigger]:
        found = {}
        for name, trigger in triggers.items():
            when = None if trigger.when is None else Sql(change(trigger.when))
            found[name] = replace(trigger, body=change(trigger.body), when=when)
            self._mentions("trigger", name, f"{when} {found[name].body}", old)
        return found

    def _mentions(self, kind: str, name: str, text: str, old: str) -> None:
        if old.lower() in text.lower() and old.lower() in identifiers(text, self.dialect):
            self.skip(f"the {kind} `{name}` may name `{old}`, which is renamed")

    def _rename_column(self, table: Draft, old: str, new: str) -> None:
        table.rename_column(old, new)
        self.rename_referenced(table.name, old, new)
        table.triggers = {
            name: replace(
                trigger, update_of=tuple(new if c == old else c for c in trigger.update_of)
            )
            for name, trigger in table.triggers.items()
        }

        def change(text: str) -> str:
            return self._with_column(text, table, old, new)

        for draft in self.tables.values():
            for name, trigger in draft.triggers.items():
                text = f"{trigger.when} {trigger.body}"
                if draft is table or table.name.name.lower() in identifiers(text, self.dialect):
                    draft.triggers |= self._retold_triggers({name: trigger}, change, old)
        for view in list(self.views.values()):
            if table.name.name.lower() in identifiers(view.query, self.dialect):
                query = Sql(change(view.query))
                self._mentions("view", view.name.name, query, old)
                self.views[view.name] = replace(view, query=query)

    def _with_column(self, text: str, table: Draft, old: str, new: str) -> str:
        """A query or body with a column's new name, where the name can only be that column's."""
        named = identifiers(text, self.dialect)
        others = [
            draft
            for draft in self.tables.values()
            if draft is not table
            and draft.name.name.lower() in named
            and old.lower() in {column.lower() for column in draft.columns}
        ]
        is_label = re.search(rf"\bAS\s+[\"`\[]?{re.escape(old)}\b", text, re.IGNORECASE)
        return (
            text
            if others or is_label
            else renamed(text, old, quote(self.dialect, new), self.dialect)
        )

    # DROP

    def _drop(self) -> None:
        reader = self.reader
        kind = reader.takes_any("TABLE", "VIEW", "INDEX", "TRIGGER").lower()
        if not kind:
            raise reader.error("DROP of an object of unknown kind")
        conditional = reader.takes("IF", "EXISTS")
        offset = reader.offset
        name = self.name()
        dropped = {
            "table": self._drop_table,
            "view": self._drop_view,
            "index": self._drop_index,
            "trigger": self._drop_trigger,
        }[kind](name)
        if not dropped and not conditional:
            raise NotUnderstood(f"the {kind} `{name}` is not known", offset)

    def _drop_table(self, name: Name) -> bool:
        label = spelled([each for kind, each in self.opaque], str(name))
        if self.opaque.pop(("virtual table", label), None) is not None:
            return True
        return self.tables.pop(self.known(self.tables, name), None) is not None

    def _drop_view(self, name: Name) -> bool:
        return self.views.pop(self.known(self.views, name), None) is not None

    def _drop_index(self, name: Name) -> bool:
        table = self._index_of(name.name)
        if table is None:
            return False
        del table.indexes[spelled(table.indexes, name.name)]
        return True

    def _drop_trigger(self, name: Name) -> bool:
        owner = self._trigger_of(name.name)
        if owner is None:
            return False
        left = dict(owner.triggers)
        del left[spelled(left, name.name)]
        if isinstance(owner, View):
            self.views[owner.name] = replace(owner, triggers=left)
        else:
            owner.triggers = left
        return True

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self._indexes: dict[str, Draft] = {}  # names are unique in the whole database
        self._triggers: set[str] = set()  # names that triggers have or had
        self._shadows: set[str] = set()  # tables in which virtual ones keep their data

    def copy(self) -> Self:
        """The same, to fold other statements onto."""
        twin = super().copy()
        twin._indexes = {
            name: twin.tables[draft.name] if self.tables.get(draft.name) is draft else draft
            for name, draft in self._indexes.items()
        }
        return twin


_FIRST: Final = compiled(r"(?>\s+|--[^\n]*\n|/\*.*?\*/)*+([A-Za-z_]+)", re.DOTALL)
_USING: Final = compiled(r"\bUSING\s+(\w+)", re.IGNORECASE)
# https://www.sqlite.org/fts5.html, https://www.sqlite.org/fts3.html, https://www.sqlite.org/rtree.html
_SHADOWS: Final = {
    "fts5": ("data", "idx", "content", "docsize", "config"),
    "fts4": ("content", "segments", "segdir", "docsize", "stat"),
    "fts3": ("content", "segments", "segdir"),
    "rtree": ("node", "rowid", "parent"),
    "geopoly": ("node", "rowid", "parent"),
}
_SCHEMA_ROW: Final = compiled(r"INSERT\s+INTO\s+\W?sqlite_(schema|master)\b", re.IGNORECASE)
_DATA: Final = words(
    "INSERT REPLACE UPDATE DELETE SELECT WITH VALUES PRAGMA BEGIN COMMIT END ROLLBACK"
    " SAVEPOINT RELEASE ANALYZE REINDEX VACUUM EXPLAIN ATTACH DETACH"
)
