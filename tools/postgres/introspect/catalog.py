"""What every kind of object needs of a catalog: names, types, columns and comments by oid."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row

from ...ddl.model import Name, Sql, Type


class Catalog:
    """What is read of a catalog before the objects that need it; `oid` is the key of all."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._cursor = connection.cursor(row_factory=namedtuple_row)
        self._comments: dict[tuple[str, int, int], str] = {
            (row.catalog, row.objoid, row.objsubid): row.description for row in self.rows(_COMMENTS)
        }
        self._types = {row.oid: row for row in self.rows(_TYPES)}
        self.relations = {row.oid: row for row in self.rows(_RELATIONS)}
        self.names = {oid: Name(row.nspname, row.relname) for oid, row in self.relations.items()}
        self.attributes: dict[int, dict[int, Any]] = defaultdict(dict)  # by column number
        for row in self.rows(_ATTRIBUTES):
            self.attributes[row.attrelid][row.attnum] = row

    def rows(self, query: str) -> Iterator[Any]:
        """The rows of a query, with columns as attributes."""
        return iter(self._cursor.execute(query.encode()).fetchall())

    def comment(self, catalog: str, oid: int, part: int = 0) -> str:
        """The comment on an object, or on its column."""
        return self._comments.get((catalog, oid, part), "")

    def columns(self, relation: int, numbers: list[int] | None) -> tuple[str, ...]:
        """The names of columns of a relation, by their numbers."""
        return tuple(self.attributes[relation][number].attname for number in numbers or ())

    def type(self, oid: int, formatted: str | None = None) -> Type:
        """A type; `formatted` is what format_type says of it with its modifier."""
        row = self._types[oid]
        array = bool(row.element)
        text = (formatted or row.formatted).removesuffix("[]" if array else "")
        base = self._types[row.element] if array else row
        if base.nspname != "pg_catalog":
            modifier = _MODIFIER.search(text) if formatted else None
            args = split(modifier[1]) if modifier else ()
            return Type(base.typname, tuple(args), base.nspname, array)
        return _builtin(text, array)


_MODIFIER = re.compile(r"\(([^()]*)\)$")
_BUILTIN = re.compile(r"([^()]+?) ?(?:\(([^()]*)\))?( with(?:out)? time zone)?$")


def _builtin(text: str, array: bool) -> Type:
    """A type of pg_catalog from what format_type says: `timestamp(3) without time zone`."""
    match = _BUILTIN.match(text)
    if match is None:
        return Type(text, array=array)
    name, args, zone = match.groups()
    return Type(name + (zone or ""), tuple(split(args or "")), array=array)


def split(text: str) -> list[str]:
    """The items of a list of expressions: split at commas outside of parentheses and quotes."""
    items, depth, quote, start = [], 0, "", 0
    for i, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
        elif char == "," and depth == 0:
            items.append(text[start:i].strip())
            start = i + 1
    last = text[start:].strip()
    return [*items, last] if last else items


def options(settings: list[str] | None) -> dict[str, str]:
    """The catalog's list of `name=value`."""
    return dict(_pair(setting) for setting in settings or ())


def _pair(setting: str) -> tuple[str, str]:
    name, _, value = setting.partition("=")
    return name, value


def visible(name: list[str] | None) -> str:
    """A schema and a name, written as the model writes names; nothing for pg_catalog."""
    if not name:
        return ""
    schema, own = name
    return str(Name("" if schema == "pg_catalog" else schema, own))


def sql(text: str | None) -> Sql | None:
    """An expression, where there is one."""
    return None if text is None else Sql(text)


USER_SCHEMA = "(n.nspname !~ '^pg_' AND n.nspname <> 'information_schema')"


def own(alias: str, catalog: str, kinds: str = "e") -> str:
    """The condition that no extension (`e`), or no other object (`i`), brought an object along."""
    return (
        f"{alias}.oid NOT IN (SELECT objid FROM pg_depend"
        f" WHERE strpos('{kinds}', deptype::text) > 0 AND classid = '{catalog}'::regclass)"
    )


# Relations of which the objects below are parts. The parents of a partition or child in order.
RELATION = f"""
relation AS MATERIALIZED (
    SELECT c.*, n.nspname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c', 'S') AND {USER_SCHEMA}
        AND {own("c", "pg_class")}
)"""

_COMMENTS = """
SELECT classoid::regclass::text AS catalog, objoid, objsubid, description
FROM pg_description WHERE objoid >= 16384 OR classoid = 'pg_namespace'::regclass
"""

_TYPES = """
SELECT t.oid, t.typname, n.nspname, format_type(t.oid, NULL) AS formatted,
    CASE WHEN t.typsubscript = 'array_subscript_handler'::regproc THEN t.typelem ELSE 0 END
        AS element
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
"""

_RELATIONS = f"""
WITH {RELATION}
SELECT c.oid, c.nspname, c.relname, c.relkind, c.relpersistence, c.relrowsecurity, c.reltype,
    c.relforcerowsecurity, c.relreplident, c.relispopulated, am.amname, ts.spcname, s.srvname,
    pg_get_userbyid(c.relowner) AS owner,
    c.reloptions || ARRAY(SELECT 'toast.' || o FROM unnest(toast.reloptions) o) || f.ftoptions
        AS options,
    pg_get_expr(c.relpartbound, c.oid) AS bound,
    parents.oids AS parents,
    CASE WHEN c.reloftype <> 0 THEN (
        SELECT ARRAY[tn.nspname, t.typname] FROM pg_type t JOIN pg_namespace tn
        ON tn.oid = t.typnamespace WHERE t.oid = c.reloftype
    ) END AS of_type,
    marked.identity_index, marked.cluster_index,
    CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END AS query,
    p.partstrat, p.partattrs::int2[] AS partattrs, pg_get_expr(p.partexprs, c.oid) AS partexprs,
    ARRAY(
        SELECT CASE WHEN o.opcdefault THEN NULL ELSE o.opcname END
        FROM unnest(p.partclass::oid[]) WITH ORDINALITY u(oid, i) JOIN pg_opclass o USING (oid)
        ORDER BY i
    ) AS partclasses,
    ARRAY(
        SELECT CASE WHEN l.oid IS DISTINCT FROM COALESCE(a.attcollation, 100) THEN l.collname END
        FROM unnest(p.partcollation::oid[], p.partattrs::int2[])
            WITH ORDINALITY u(oid, attnum, i)
        LEFT JOIN pg_collation l ON l.oid = u.oid
        LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.attnum AND u.attnum > 0
        ORDER BY i
    ) AS partcollations
FROM relation c
LEFT JOIN pg_am am ON am.oid = c.relam
LEFT JOIN pg_tablespace ts ON ts.oid = c.reltablespace
LEFT JOIN pg_class toast ON toast.oid = c.reltoastrelid
LEFT JOIN pg_foreign_table f ON f.ftrelid = c.oid
LEFT JOIN pg_foreign_server s ON s.oid = f.ftserver
LEFT JOIN pg_partitioned_table p ON p.partrelid = c.oid
LEFT JOIN (
    SELECT inhrelid, array_agg(inhparent ORDER BY inhseqno) AS oids
    FROM pg_inherits GROUP BY inhrelid
) parents ON parents.inhrelid = c.oid
LEFT JOIN (
    SELECT x.indrelid,
        max(i.relname::text) FILTER (WHERE x.indisreplident) AS identity_index,
        max(i.relname::text) FILTER (WHERE x.indisclustered) AS cluster_index
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
    WHERE x.indisreplident OR x.indisclustered GROUP BY x.indrelid
) marked ON marked.indrelid = c.oid
ORDER BY c.oid
"""

_ATTRIBUTES = f"""
WITH {RELATION}
SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.attnotnull, a.attidentity, a.attgenerated,
    a.attstattarget, a.attoptions, a.attfdwoptions, a.attislocal,
    format_type(a.atttypid, a.atttypmod) AS formatted,
    pg_get_expr(d.adbin, d.adrelid) AS default,
    CASE WHEN a.attcollation <> t.typcollation THEN ARRAY[ln.nspname, l.collname] END AS collation,
    CASE WHEN a.attstorage <> t.typstorage THEN CASE a.attstorage
        WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END
    END AS storage,
    CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END AS compression
FROM pg_attribute a
JOIN relation c ON c.oid = a.attrelid
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_collation l ON l.oid = a.attcollation
LEFT JOIN pg_namespace ln ON ln.oid = l.collnamespace
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind <> 'S'
ORDER BY a.attrelid, a.attnum
"""
