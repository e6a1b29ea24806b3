"""Which statements of a user may run in the private PostgreSQL, and what stands in for the rest.

Judged on PostgreSQL's own parse tree; what is not named here does not run. This is the outer wall:
functions and DO blocks run what they build, and then the rights of the role decide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import postgast
import psycopg
from google.protobuf.message import Message
from psycopg import sql

from ..ddl.postgres.tree import Parsed, parse
from ..ddl.script import Statement
from .cluster import ADMINISTRATOR, OWNER, Database

MAX_ROLES = 1_000  # stubbed in one call


class Status(StrEnum):
    """What became of a statement."""

    OK = "ok"
    SKIPPED = "skipped"  # means nothing here: another database, an owner, a tablespace
    STUBBED = "stubbed"  # something else was done in its place
    DENIED = "denied"  # not on the list of what may run
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the statement at `offset`. `position` is the error's, as an offset, too."""

    offset: int
    status: Status
    reason: str = ""
    sqlstate: str = ""
    position: int | None = None


@dataclass(slots=True)
class Step:
    """A statement on its way: `text` is what runs, None if it does not."""

    offset: int
    text: str | None
    kind: str = ""
    rows: bool = False  # it may return any number of them
    if_ok: Outcome | None = None
    outcome: Outcome | None = None
    ended: bool = False  # under it, the session was ended

    @property
    def result(self) -> Outcome:
        """What became of it."""
        assert self.outcome
        return self.outcome

    @property
    def sent(self) -> str:
        """What runs."""
        assert self.text is not None
        return self.text


def _kinds(names: str, *, before: str = "", after: str = "") -> frozenset[str]:
    return frozenset(f"{before}{name}{after}" for name in names.split())


_ALLOWED = _kinds(
    """
    create index view create_seq alter_seq create_enum alter_enum composite_type create_range
    create_domain alter_domain alter_type create_trig create_policy alter_policy rule
    alter_default_privileges create_schema alter_object_depends truncate insert update delete merge
    create_table_as refresh_mat_view create_stats alter_stats create_cast alter_operator
    alter_tsconfiguration alter_tsdictionary alter_publication constraints_set lock discard call
    reindex cluster alter_function alter_extension
    """,
    after="_stmt",
)
_ROWS = frozenset(("select_stmt", "explain_stmt", "variable_show_stmt", "call_stmt"))
_SKIPPED = {
    "createdb_stmt": "there is one database",
    "dropdb_stmt": "there is one database",
    "alter_database_stmt": "there is one database",
    "alter_database_set_stmt": "there is one database",
    "alter_database_refresh_coll_stmt": "there is one database",
    "alter_role_stmt": "roles here have no attributes",
    "alter_role_set_stmt": "roles here have no settings",
    "drop_role_stmt": "roles are gone with the server",
    "grant_role_stmt": "roles here have no members",
    "reassign_owned_stmt": "the sandbox role owns all",
    "alter_owner_stmt": "the sandbox role owns all",
    "create_event_trig_stmt": "an event trigger needs a superuser",
    "alter_event_trig_stmt": "an event trigger needs a superuser",
    "sec_label_stmt": "there is no label provider",
    "notify_stmt": "nobody listens",
    "listen_stmt": "nobody notifies",
    "unlisten_stmt": "nobody notifies",
    "vacuum_stmt": "there is nothing to clean up or to measure",
    "create_table_space_stmt": "there is one tablespace",
    "alter_table_space_options_stmt": "there is one tablespace",
    "drop_table_space_stmt": "there is one tablespace",
    "alter_table_move_all_stmt": "there is one tablespace",
}
_DENIED = {
    "copy_stmt": "COPY reads or writes files, programs or a client's data",
    "alter_system_stmt": "ALTER SYSTEM changes the server",
    "load_stmt": "LOAD runs code of a library",
    "create_plang_stmt": "a language needs code of a library",
    "create_subscription_stmt": "a subscription opens connections",
    "create_foreign_server_stmt": "foreign servers open connections or files",
    "create_foreign_table_stmt": "foreign tables open connections or files",
    "create_fdw_stmt": "foreign-data wrappers open connections or files",
    "create_user_mapping_stmt": "foreign servers open connections or files",
    "import_foreign_schema_stmt": "foreign servers open connections or files",
}
_SETTINGS = _kinds(
    """
    search_path statement_timeout lock_timeout idle_in_transaction_session_timeout
    transaction_timeout standard_conforming_strings check_function_bodies xmloption
    client_min_messages row_security default_table_access_method escape_string_warning timezone
    datestyle intervalstyle bytea_output extra_float_digits work_mem maintenance_work_mem
    default_toast_compression default_statistics_target synchronous_commit
    quote_all_identifiers xmlbinary default_text_search_config
    transaction_isolation default_transaction_isolation default_transaction_deferrable
    default_transaction_read_only application_name jit array_nulls backslash_quote
    transform_null_equals gin_fuzzy_search_limit createrole_self_grant enable_seqscan
    idle_session_timeout
    """
)
_SKIPPED_SETTINGS = {
    "client_encoding": "the text is sent as UTF-8",
    "role": "everything runs as the sandbox role",
    "session_authorization": "everything runs as the sandbox role",
    "default_tablespace": "there is one tablespace",
    "default_with_oids": "it is no more since PostgreSQL 12",
    "session_replication_role": "it needs a superuser",
}
# Extensions whose code reaches neither files nor other servers, though PostgreSQL would let only
# a superuser create them.
_HARMLESS = _kinds(
    """
    autoinc bloom cube dict_xsyn earthdistance h3 hypopg insert_username intagg moddatetime
    pg_stat_statements pg_uuidv7 pgrouting pgrowlocks pgstattuple pgtap postgis refint
    temporal_tables vector
    """
)
_NAME = re.compile(r"(?!.*--)[A-Za-z0-9_][A-Za-z0-9_-]{0,62}(?<!-)")
_VERSION = re.compile(r"(?!.*--)[A-Za-z0-9_.][A-Za-z0-9_.-]{0,30}(?<!-)")
_ELSEWHERE = _kinds(  # objects that are not in a database, or not here
    """
    DATABASE ROLE TABLESPACE EVENT_TRIGGER LANGUAGE FDW FOREIGN_SERVER PARAMETER_ACL SUBSCRIPTION
    ACCESS_METHOD FOREIGN_TABLE LARGEOBJECT USER_MAPPING TRANSFORM
    """,
    before="OBJECT_",
)


class Judge:
    """Decides what becomes of each statement, and collects what has to be there beforehand."""

    def __init__(self, database: Database, administrator: psycopg.Connection[Any]) -> None:
        self.roles: set[str] = set()
        self.extensions: set[str] = set()
        self.collations: set[str] = set()
        self._database, self._administrator = database, administrator
        self._uses_auth: bool | None = None
        self._defined: set[str] = set()  # collations that the script creates

    def step(self, text: str, offset: int) -> Step:
        """A statement with what becomes of it, as far as that is known before it runs."""
        if "\0" in text:
            return self._not_run(offset, Status.ERROR, "a zero character cannot be part of SQL")
        (parsed,) = parse([Statement("", offset, text)])
        if parsed.error:
            outcome = Outcome(
                offset, Status.ERROR, parsed.error, "42601", offset + parsed.error_offset
            )
            return Step(offset, None, outcome=outcome)
        if parsed.node is None:
            return self._not_run(offset, Status.SKIPPED, "it is empty")
        self._note_names(parsed)
        return self._judged(parsed, Step(offset, text, parsed.kind, parsed.kind in _ROWS))

    def _judged(self, parsed: Parsed, step: Step) -> Step:
        kind, node = parsed.kind, parsed.node
        special: Callable[[Any, Step], Step] | None = getattr(self, f"_{kind}", None)
        if special:
            return special(node, step)
        if kind in _SKIPPED:
            return self._not_run(step.offset, Status.SKIPPED, _SKIPPED[kind])
        if kind in _ALLOWED:
            return replace(step, rows=step.rows or bool(getattr(node, "returning_clause", None)))
        reason = _DENIED.get(kind, f"{_words(kind)} is not on the list of what may run")
        return self._not_run(step.offset, Status.DENIED, reason)

    @staticmethod
    def _not_run(offset: int, status: Status, reason: str) -> Step:
        return Step(offset, None, outcome=Outcome(offset, status, reason))

    def _skipped(self, step: Step, reason: str) -> Step:
        return self._not_run(step.offset, Status.SKIPPED, reason)

    def _denied(self, step: Step, reason: str) -> Step:
        return self._not_run(step.offset, Status.DENIED, reason)

    def _stubbed(self, step: Step, reason: str, text: str | None = None) -> Step:
        outcome = Outcome(step.offset, Status.STUBBED, reason)
        return replace(step, text=text or step.text, if_ok=outcome)

    # Each method below is found by its name: the kind of statement that it judges.

    def _select_stmt(self, node: Any, step: Step) -> Step:
        return step

    def _variable_show_stmt(self, node: Any, step: Step) -> Step:
        return step

    def _transaction_stmt(self, node: Any, step: Step) -> Step:
        name = _enumerated(node, "kind").removeprefix("TRANS_STMT_")
        if "PREPARE" in name:
            return self._denied(step, "two-phase transactions are not on the list of what may run")
        return replace(step, kind=_TRANSACTIONS.get(name, step.kind))

    def _explain_stmt(self, node: Any, step: Step) -> Step:
        kind = node.query.WhichOneof("node")
        inner = self._judged(Parsed(Statement("", 0, ""), getattr(node.query, kind), kind), step)
        return inner if inner.outcome else step

    def _alter_table_stmt(self, node: Any, step: Step) -> Step:
        if _enumerated(node, "objtype") in _ELSEWHERE:
            return self._denied(step, "foreign tables open connections or files")
        changes = {_enumerated(each.alter_table_cmd, "subtype") for each in node.cmds}
        if changes == {"AT_ChangeOwner"}:
            return self._skipped(step, "the sandbox role owns all")
        if changes == {"AT_SetTableSpace"}:
            return self._skipped(step, "there is one tablespace")
        return step

    def _comment_stmt(self, node: Any, step: Step) -> Step:
        kind = _enumerated(node, "objtype")
        if kind in _ELSEWHERE:
            return self._skipped(step, f"there is no {_words(kind)} of one's own here")
        if kind == "OBJECT_EXTENSION" and node.object.string.sval == "plpgsql":
            return self._skipped(step, "plpgsql belongs to the server")
        return step

    def _rename_stmt(self, node: Any, step: Step) -> Step:
        return self._of_kind(_enumerated(node, "rename_type"), step)

    def _drop_stmt(self, node: Any, step: Step) -> Step:
        return self._of_kind(_enumerated(node, "remove_type"), step)

    def _alter_object_schema_stmt(self, node: Any, step: Step) -> Step:
        return self._of_kind(_enumerated(node, "object_type"), step)

    def _grant_stmt(self, node: Any, step: Step) -> Step:
        return self._of_kind(_enumerated(node, "objtype"), step)

    def _of_kind(self, kind: str, step: Step) -> Step:
        if kind in _ELSEWHERE:
            return self._skipped(step, f"there is no {_words(kind)} of one's own here")
        return step

    def _do_stmt(self, node: Any, step: Step) -> Step:
        language = _option(node.args, "language") or "plpgsql"
        if language != "plpgsql":
            return self._denied(step, f"there is no language {language} here")
        return step

    def _create_function_stmt(self, node: Any, step: Step) -> Step:
        language = _option(node.options, "language") or "sql"
        if language in ("sql", "plpgsql"):
            return step
        if language in ("c", "internal"):
            return self._denied(step, f"functions in the language {language} run unchecked code")
        stub = postgast.pg_query_pb2.ParseResult()
        function = stub.stmts.add().stmt.create_function_stmt
        function.CopyFrom(node)
        for option in function.options:
            element = option.def_elem
            if element.defname == "language":
                element.arg.string.sval = "plpgsql"
            elif element.defname == "as":
                element.arg.list.ClearField("items")
                element.arg.list.items.add().string.sval = _RAISES
        text = postgast.deparse(stub)
        return self._stubbed(step, f"there is no language {language} here; it raises", text)

    def _define_stmt(self, node: Any, step: Step) -> Step:
        kind = _enumerated(node, "kind")
        if kind in ("OBJECT_AGGREGATE", "OBJECT_OPERATOR"):
            return step
        if kind in ("OBJECT_TSCONFIGURATION", "OBJECT_TSDICTIONARY"):
            return step
        if kind != "OBJECT_COLLATION":
            return self._denied(step, "it needs a superuser")
        names = [name.string.sval for name in node.defnames]
        self._defined.add(names[-1])
        locale = _option(node.definition, "locale") or _option(node.definition, "lc_collate")
        if not node.definition or (locale or "C") in ("C", "POSIX"):
            return step
        if not 1 <= len(names) <= 2 or _option(node.definition, "from"):
            return step
        words = "CREATE COLLATION IF NOT EXISTS" if node.if_not_exists else "CREATE COLLATION"
        text = f"{words} {sql.Identifier(*names).as_string()} (provider = libc, locale = 'C')"
        return self._stubbed(step, "it has the order of C here", text)

    def _variable_set_stmt(self, node: Any, step: Step) -> Step:
        name = node.name.lower()
        if _enumerated(node, "kind") in ("VAR_RESET_ALL", "VAR_SET_MULTI"):
            return step
        if reason := _SKIPPED_SETTINGS.get(name):
            return self._skipped(step, reason)
        if name in _SETTINGS or ("." in name and not name.startswith("plpgsql.")):
            return step
        return self._denied(step, f"the setting {name} is not on the list of what may be set")

    def _create_role_stmt(self, node: Any, step: Step) -> Step:
        self.roles.add(node.role)
        return self._not_run(step.offset, Status.STUBBED, "it is here without login or attributes")

    def _create_publication_stmt(self, node: Any, step: Step) -> Step:
        if node.for_all_tables:
            return self._skipped(step, "a publication of all tables needs a superuser")
        return step

    def _create_extension_stmt(self, node: Any, step: Step) -> Step:
        name, version = node.extname, _option(node.options, "new_version") or ""
        if name == "plpgsql":
            return self._skipped(step, "plpgsql is always here")
        if not _NAME.fullmatch(name) or not _VERSION.fullmatch(version or "1"):
            return self._denied(step, "there cannot be an extension of that name or version")
        available = self._available
        if available.get(name) or (name in available and name in _HARMLESS and self._overrides):
            if not available[name]:
                self._trust(name)
            return step
        self.extensions.add(name)
        why = "only a superuser may create it" if name in available else "it is not here"
        if not self._overrides:
            return self._not_run(step.offset, Status.STUBBED, f"{why}; nothing is in its place")
        empty = _stub(self._database, name, version or "1.0")
        return self._stubbed(step, f"{why}; {'nothing' if empty else 'a stub'} is in its place")

    @property
    def _overrides(self) -> bool:
        return self._database.cluster.binaries.major >= 18  # extension_control_path

    @property
    def _available(self) -> dict[str, bool]:
        """The extensions of the installation, and whether an ordinary role may create them."""
        cluster = self._database.cluster
        if cluster.extensions is None:  # asked before there are stubs among them
            rows = self._administrator.execute(
                "SELECT name, bool_or(trusted OR NOT superuser)"
                " FROM pg_available_extension_versions GROUP BY name"
            ).fetchall()
            cluster.extensions = dict(rows)
        return cluster.extensions

    def _trust(self, name: str) -> None:
        """Let an ordinary role create an extension of the installation."""
        (share,) = self._administrator.execute(
            "SELECT setting || '/extension' FROM pg_config WHERE name = 'SHAREDIR'"
        ).fetchone() or ("",)
        control = (Path(share) / f"{name}.control").read_text()
        quoted = share.replace("'", "''")
        text = f"{control}\ntrusted = true\ndirectory = '{quoted}'\n"
        self._database.cluster.offer(f"{name}.control", text)

    def _note_names(self, parsed: Parsed) -> None:
        """Roles and collations that a statement names, and a provider's own schema."""
        assert parsed.node is not None
        text = parsed.statement.text
        if parsed.kind == "create_schema_stmt" and getattr(parsed.node, "schemaname", "") == "auth":
            self._uses_auth = False
        elif self._uses_auth is None and _OF_SUPABASE.search(text):
            self._uses_auth = True
        if parsed.kind in _NAMES_ROLES:
            for role in _found(parsed.node, "RoleSpec"):
                if role.rolename:
                    self.roles.add(role.rolename)
        if re.search(r"\bcollat", text, re.IGNORECASE):
            for kind, name in (("CollateClause", "collname"), ("IndexElem", "collation")):
                for clause in _found(parsed.node, kind):
                    names = [each.string.sval for each in getattr(clause, name)]
                    if names and (len(names) == 1 or names[0] == "pg_catalog"):
                        self.collations.add(names[-1])

    def _offer_auth(self) -> None:
        """The schema that Supabase has in every database, unless the script makes one."""
        row = self._administrator.execute("SELECT FROM pg_namespace WHERE nspname = 'auth'")
        if self._uses_auth and self._overrides and row.fetchone() is None:
            self.roles |= {"anon", "authenticated", "service_role"}
            self.extensions.add("supabase_auth")
            _stub(self._database, "supabase_auth", "1.0")
            self._administrator.execute("CREATE EXTENSION supabase_auth")

    def prepare(self) -> None:
        """Create what statements name and the server lacks."""
        self._offer_auth()
        wanted = {name for name in self.roles if _may_be_role(name)}
        rows = self._administrator.execute("SELECT rolname FROM pg_roles").fetchall()
        there = {name for (name,) in rows}
        self.roles = set(sorted(wanted)[:MAX_ROLES])
        for name in sorted(self.roles - there):
            role = sql.Identifier(name)
            self._administrator.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
            self._administrator.execute(
                sql.SQL("GRANT {} TO {}").format(role, sql.Identifier(OWNER))
            )
        rows = self._administrator.execute("SELECT collname FROM pg_collation").fetchall()
        self.collations -= self._defined | {name for (name,) in rows}
        self.collations = {name for name in self.collations if 0 < len(name.encode()) < 64}
        for name in sorted(self.collations):
            self._administrator.execute(
                sql.SQL("CREATE COLLATION {} (provider = libc, locale = 'C')").format(
                    sql.Identifier("pg_catalog", name)
                )
            )


_OF_SUPABASE = re.compile(r"\bauth\.(users|uid|role|email|jwt)\b", re.IGNORECASE)
_RAISES = "BEGIN RAISE EXCEPTION 'the language of this function is not here'; END"
_TRANSACTIONS = {
    "BEGIN": "begin",
    "START": "begin",
    "COMMIT": "end",
    "ROLLBACK": "end",
}
_NAMES_ROLES = _kinds(
    "grant create_policy alter_policy alter_default_privileges create_schema", after="_stmt"
)


def _may_be_role(name: str) -> bool:
    """Whether a role of that name can and may be created."""
    own = name in (OWNER, ADMINISTRATOR)
    reserved = name.startswith("pg_") or name in ("public", "none")
    return bool(name) and not own and not reserved and len(name.encode()) < 64


def _words(name: str) -> str:
    return name.removeprefix("OBJECT_").removesuffix("_stmt").replace("_", " ").lower()


def _enumerated(node: Message, field: str) -> str:
    """The name of a field's value."""
    described = node.DESCRIPTOR.fields_by_name[field].enum_type
    value = described and described.values_by_number.get(getattr(node, field))
    return value.name if value else ""


def _option(options: Iterable[Any], name: str) -> str | None:
    for option in options:
        if option.def_elem.defname == name:
            argument = option.def_elem.arg
            match argument.WhichOneof("node"):
                case "string":
                    return str(argument.string.sval)
                case "type_name":
                    return str(argument.type_name.names[-1].string.sval)
                case _:
                    return ""
    return None


def _found(node: Message, kind: str) -> Iterator[Any]:
    """The messages of a type below a node; without recursion, since trees may be deep."""
    waiting: list[Message] = [node]
    while waiting:
        message = waiting.pop()
        if message.DESCRIPTOR.name == kind:
            yield message
        for described, value in message.ListFields():
            if described.message_type is None:
                continue
            waiting.extend(value if described.is_repeated else (value,))


@cache
def _stubs() -> dict[str, tuple[str, bool]]:
    """The scripts by extension, and whether they need a superuser."""
    text = (Path(__file__).parent / "stubs.sql").read_text()
    parts = re.split(r"^-- extension (\S+)( superuser)?$", text, flags=re.MULTILINE)[1:]
    return {
        name: (script, bool(superuser))
        for name, superuser, script in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    }


def _stub(database: Database, name: str, version: str) -> bool:
    """Offer an extension of that name; whether there is nothing in it."""
    script, superuser = _stubs().get(name, ("", False))
    trust = "true" if superuser else "false"
    control = f"default_version = '{version}'\nsuperuser = {trust}\ntrusted = {trust}\n"
    database.cluster.offer(f"{name}.control", control + "relocatable = false\n")
    database.cluster.offer(f"{name}--{version}.sql", script)
    return not script
