"""What the folds of all kinds of MySQL's statements share: databases, names, accounts."""

from __future__ import annotations

from ..model import At, Dialect, Name, Opaque
from ..state import Draft, Fold
from ..tokens import NotUnderstood


class MySQLFold(Fold):
    """The state between two statements, with the database that is in use."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.home: str | None = None  # the database that is meant by no name
        self.current = ""
        self.databases: dict[str, tuple[str, str]] = {}
        self.default_engine = "InnoDB"
        self._routines: dict[tuple[str, str, str], str] = {}  # labels by kind and name

    def settle(self) -> None:
        """Give the schema the character set of its database."""
        home = self.home if self.home is not None else ""
        if self.home is None and len(self.databases) == 1 and not self.namespaces:
            home = next(iter(self.databases))
        self.charset, self.collation = self.databases.get(home, ("", ""))

    def name(self) -> Name:
        """A qualified name; the current database's when it is not."""
        offset = self.reader.offset
        parts = self.reader.path()
        if len(parts) > 2:
            raise NotUnderstood("a name of too many parts", offset)
        schema = parts[0] if len(parts) == 2 else self.current
        return Name("" if schema == self.home else schema, parts[-1])

    def _account(self) -> str:
        """A user or role: name@host."""
        reader = self.reader
        if reader.takes_any("CURRENT_USER", "CURRENT_ROLE"):
            if reader.takes("("):
                reader.expects(")")
            return "current_user"
        user = reader.string() if reader.token.kind == "string" else reader.name()
        if not reader.takes("@"):
            return user
        host = reader.string() if reader.token.kind == "string" else ".".join(reader.path())
        return f"{user}@{host}"

    def _table(self) -> Draft:
        offset = self.reader.offset
        name = self.known(self.tables, self.name())
        if name not in self.tables:
            raise NotUnderstood(f"the table `{name}` is not known", offset)
        return self.tables[name]

    def _opaque(self, kind: str, name: str, at: At) -> None:
        self.reader.rest()
        self.opaque[kind, name] = Opaque(kind, name, self.statement.text.strip(), at=at)

    def _definer(self) -> tuple[dict[str, str], str]:
        """The options that stand before VIEW, TRIGGER, … and the account of DEFINER."""
        reader = self.reader
        options: dict[str, str] = {}
        owner = ""
        while True:
            if reader.takes("ALGORITHM", "="):
                options["algorithm"] = reader.name().lower()
            elif reader.takes("DEFINER", "="):
                owner = self._account()
            elif reader.takes("SQL", "SECURITY"):
                options["sql security"] = reader.name().lower()
            else:
                return options, owner
