"""Views, triggers, functions and procedures of MySQL and MariaDB.

https://dev.mysql.com/doc/refman/8.4/en/stored-objects.html
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ..model import Argument, At, Function, Name, Sql, Trigger, View
from ..state import spelled
from ..tokens import NotUnderstood
from .fold import MySQLFold
from .types import read_type


class CodeFold(MySQLFold):
    """The fold of what holds queries and code."""

    def _create_view(self, at: At, options: dict[str, str], owner: str, *, replacing: bool) -> None:
        reader = self.reader
        conditional = reader.takes("IF", "NOT", "EXISTS")
        name = self.name()
        known = self.known(self.views, name)
        if known in self.views:
            if conditional:
                reader.rest()
                return
            if not replacing:
                raise NotUnderstood(f"the view `{name}` exists already", 0)
            del self.views[known]
        self.add_view(self._view(name, at, options, owner))

    def _view(self, name: Name, at: At, options: dict[str, str], owner: str) -> View:
        reader = self.reader
        columns = reader.names() if reader.sees("(") else ()
        reader.expects("AS")
        start = reader.offset
        reader.rest()
        tokens = reader.tokens[:-1]
        end = len(tokens)
        ending = [token.key for token in tokens[-4:]]
        if ending[-2:] == ["CHECK", "OPTION"] and "WITH" in ending:
            kind = ending[-3].lower()
            options["check_option"] = "cascaded" if kind == "with" else kind
            end -= len(ending) - ending.index("WITH")
        query = self.statement.text[start : tokens[end - 1].end] if end > 0 else ""
        return View(name, Sql(query), columns, options=options, owner=owner, at=at)

    def _create_trigger(self, at: At, owner: str, *, replacing: bool) -> None:
        reader = self.reader
        conditional = reader.takes("IF", "NOT", "EXISTS")
        name = self.name().name
        timing = reader.takes_any("BEFORE", "AFTER").lower()
        events = [reader.takes_any("INSERT", "UPDATE", "DELETE").lower()]
        while reader.takes("OR"):
            events.append(reader.takes_any("INSERT", "UPDATE", "DELETE").lower())
        if not timing or not all(events):
            raise reader.error("the trigger's time and event expected")
        update_of: list[str] = []
        if reader.takes("OF"):
            update_of.append(reader.name())
            while reader.takes(","):
                update_of.append(reader.name())
        reader.expects("ON")
        table = self._table()
        reader.expects("FOR", "EACH", "ROW")
        order = reader.takes_any("FOLLOWS", "PRECEDES")
        other = spelled(table.triggers, reader.name()) if order else ""
        if name in table.triggers:
            if conditional:
                reader.rest()
                return
            if not replacing:
                raise NotUnderstood(f"the trigger `{name}` exists already", 0)
        trigger = Trigger(
            name,
            timing,
            tuple(events),
            tuple(update_of),
            body=reader.rest(),
            owner=owner,
            at=at,
        )
        names = [each for each in table.triggers if each != name]
        place = names.index(other) + (order == "FOLLOWS") if other in names else len(names)
        names.insert(place, name)
        found = {**table.triggers, name: trigger}
        table.triggers = {each: found[each] for each in names}

    def _create_function(self, kind: str, at: At, owner: str, *, replacing: bool) -> None:
        reader = self.reader
        conditional = reader.takes("IF", "NOT", "EXISTS")
        name = self.name()
        if reader.sees("RETURNS") or reader.sees("SONAME"):
            self._opaque("loadable function", name.name, at)
            return
        existing = self._function(kind, name)
        if existing:
            if conditional:
                reader.rest()
                return
            if not replacing:
                raise NotUnderstood(f"the {kind} `{name}` exists already", 0)
            del self.functions[existing]
        arguments = self._arguments()
        returns = ""
        if reader.takes("RETURNS"):
            typed = read_type(reader)
            returns = str(typed.type)
        function = Function(
            name,
            arguments,
            returns,
            kind="function" if kind == "function" else "procedure",
            security_definer=True,
            owner=owner,
            at=at,
        )
        function = replace(self._characteristics(function), body=reader.rest())
        label = function.signature
        label = f"{kind} {label}" if label in self.functions else label
        self.functions[label] = function
        self._routines[kind, name.schema, name.name.lower()] = label

    def _function(self, kind: str, name: Name) -> str:
        label = self._routines.get((kind, name.schema, name.name.lower()), "")
        return label if label in self.functions else ""

    def _arguments(self) -> tuple[Argument, ...]:
        reader = self.reader
        arguments: list[Argument] = []
        reader.expects("(")
        while not reader.takes(")"):
            mode = "in"
            if reader.sees_any("IN", "OUT", "INOUT"):
                mode = reader.next().text.lower()
            name = reader.name()
            type = read_type(reader).type
            default = None
            if reader.takes("DEFAULT"):
                start = reader.position
                reader.skip_item()
                default = Sql(reader.source(start))
            arguments.append(Argument(name, type, mode, default))
            if not reader.sees(")"):
                reader.expects(",")
        return tuple(arguments)

    def _characteristics(self, function: Function) -> Function:
        reader = self.reader
        settings: dict[str, str] = {}
        while True:
            if reader.takes("COMMENT"):
                function = replace(function, comment=reader.string())
            elif reader.takes("LANGUAGE"):
                function = replace(function, language=reader.name().lower())
            elif reader.takes("NOT", "DETERMINISTIC"):
                function = replace(function, volatility="volatile")
            elif reader.takes("DETERMINISTIC"):
                function = replace(function, volatility="immutable")
            elif reader.takes("SQL", "SECURITY"):
                definer = reader.name().lower() == "definer"
                function = replace(function, security_definer=definer)
            elif reader.takes("CONTAINS", "SQL"):
                settings.pop("data access", None)
            else:
                for access in _DATA_ACCESS:
                    if reader.takes(*access):
                        settings["data access"] = " ".join(access).lower()
                        break
                else:
                    return replace(function, settings=settings)


_DATA_ACCESS: Final = (("NO", "SQL"), ("READS", "SQL", "DATA"), ("MODIFIES", "SQL", "DATA"))
