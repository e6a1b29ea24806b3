"""GRANT and REVOKE. https://dev.mysql.com/doc/refman/8.4/en/grant.html"""

from __future__ import annotations

from ..model import Grant
from .fold import MySQLFold


class RightsFold(MySQLFold):
    """The fold of privileges on objects; roles are no part of a schema."""

    def _grant(self) -> None:
        if self.reader.takes("PROXY"):
            self.reader.rest()
            return
        privileges = self._privileges()
        if not self.reader.takes("ON"):
            self.reader.rest()  # of a role: accounts are no part of a schema
            return
        kind, name = self._grant_object()
        self.reader.expects("TO")
        grantees = self._accounts()
        rest = self.reader.rest().upper()
        for privilege, columns in privileges:
            for grantee in grantees:
                grant = Grant(privilege, kind, name, grantee, columns, "GRANT OPTION" in rest)
                self.grants[grant] = self.place(0)

    def _revoke(self) -> None:
        self.reader.takes("IF", "EXISTS")
        privileges = self._privileges()
        if not self.reader.takes("ON"):
            self.reader.rest()
            return
        kind, name = self._grant_object()
        self.reader.expects("FROM")
        grantees = self._accounts()
        self.reader.rest()
        for grant in list(self.grants):
            if (grant.kind, grant.object) != (kind, name) or grant.grantee not in grantees:
                continue
            named = [(p, c) for p, c in privileges if p in (grant.privilege, "all")]
            if named and (not grant.columns or (grant.privilege, grant.columns) in named):
                del self.grants[grant]

    def _privileges(self) -> list[tuple[str, tuple[str, ...]]]:
        reader = self.reader
        found = []
        while True:
            said = []
            while not reader.done and not reader.sees_any(",", "ON", "(", "TO", "FROM"):
                said.append(reader.next().text.lower())
            privilege = " ".join(said).removesuffix(" privileges")
            found.append((privilege, reader.names() if reader.sees("(") else ()))
            if not reader.takes(","):
                return found

    def _grant_object(self) -> tuple[str, str]:
        reader = self.reader
        kind = reader.takes_any("TABLE", "FUNCTION", "PROCEDURE", "SEQUENCE").lower() or "table"
        start = reader.position
        while not reader.done and not reader.sees_any("TO", "FROM"):
            reader.next()
        parts = [token.text for token in reader.tokens[start : reader.position] if token.key != "."]
        if len(parts) == 2 and parts[0] == self.home and parts[1] != "*":
            parts = parts[1:]
        return kind, ".".join(parts)

    def _accounts(self) -> list[str]:
        found = []
        while True:
            found.append(self._account())
            if self.reader.takes("IDENTIFIED"):
                while not self.reader.done and not self.reader.sees_any(",", "WITH", "REQUIRE"):
                    self.reader.next()
            if not self.reader.takes(","):
                return found
