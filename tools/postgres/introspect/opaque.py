"""Objects that the model keeps opaque: of the catalog there is only their kind and name."""

from __future__ import annotations

from ...ddl.model import Opaque
from .catalog import Catalog, own


def opaque(catalog: Catalog) -> dict[tuple[str, str], Opaque]:
    """By kind and name."""
    found = {}
    for row in catalog.rows(_OBJECTS):
        name = row.identity.removeprefix("public.")
        if row.kind == "default privileges":
            whose = f"for role {row.database_owner} "
            name = name.replace(whose, "for role current_user ", 1)
        elif row.kind == "aggregate":
            name = name.replace("()", "(*)")
        found[row.kind, name] = Opaque(row.kind, name, "", catalog.comment(row.catalog, row.oid))
    return found


_KINDS = {
    "pg_am": "access method",
    "pg_cast": "cast",
    "pg_collation": "collation",
    "pg_conversion": "conversion",
    "pg_default_acl": "default privileges",
    "pg_event_trigger": "event trigger",
    "pg_foreign_data_wrapper": "foreign data wrapper",
    "pg_foreign_server": "server",
    "pg_language": "language",
    "pg_opclass": "operator class",
    "pg_operator": "operator",
    "pg_opfamily": "operator family",
    "pg_proc": "aggregate",
    "pg_publication": "publication",
    "pg_statistic_ext": "statistics",
    "pg_transform": "transform",
    "pg_ts_config": "text search configuration",
    "pg_ts_dict": "text search dictionary",
    "pg_ts_parser": "text search parser",
    "pg_ts_template": "text search template",
    "pg_type": "type",
    "pg_user_mapping": "user mapping",
}
_ARRAY = "o.typsubscript = 'array_subscript_handler'::regproc"
_ONLY = {
    "pg_operator": "o.oprcode <> 0",  # not the shell that a commutator leaves
    "pg_proc": "o.prokind = 'a'",
    "pg_type": f"o.typtype = 'b' AND NOT {_ARRAY}",
}
_OBJECTS = " UNION ALL ".join(
    f"""
SELECT '{kind}' AS kind, '{catalog}' AS catalog, o.oid, i.identity,
    (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database())
        AS database_owner
FROM {catalog} o CROSS JOIN LATERAL pg_identify_object('{catalog}'::regclass, o.oid, 0) i
WHERE o.oid >= 16384 AND {own("o", catalog, "ei")} AND {_ONLY.get(catalog, "true")}"""
    for catalog, kind in _KINDS.items()
)
