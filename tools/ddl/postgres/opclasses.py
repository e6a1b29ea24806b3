"""Operator classes: a default one of its type goes without saying.

Source: pg_opclass (`opcdefault`) of PostgreSQL 18 with its contrib modules, pgvector and PostGIS.
A class that is not listed is taken for a user's own, which is the default of nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from postgast import pg_query_pb2 as pg

_EVERYWHERE = """
array_ops bool_ops bpchar_ops bytea_ops char_ops date_ops enum_ops float4_ops float8_ops inet_ops
int2_ops int4_ops int8_ops interval_ops jsonb_ops macaddr8_ops macaddr_ops name_ops numeric_ops
oid_ops text_ops time_ops timestamp_ops timestamptz_ops timetz_ops uuid_ops
"""  # of btree, hash and gin (with btree_gin)
_ORDERED = """
multirange_ops oidvector_ops pg_lsn_ops range_ops record_ops tid_ops xid8_ops citext_ops
ean13_ops isbn13_ops isbn_ops ismn13_ops ismn_ops issn13_ops issn_ops upc_ops
"""  # of btree and hash
_DEFAULTS = {
    "btree": f"""{_EVERYWHERE} {_ORDERED}
        bit_ops money_ops tsquery_ops tsvector_ops varbit_ops
        btree_hstore_ops cube_ops ltree_ops seg_ops halfvec_ops sparsevec_ops vector_ops
        btree_geometry_ops btree_geography_ops""",
    "hash": f"""{_EVERYWHERE} {_ORDERED}
        aclitem_ops cid_ops xid_ops hash_hstore_ops hash_ltree_ops""",
    "gin": f"""{_EVERYWHERE}
        tsvector_ops bit_ops cidr_ops money_ops varbit_ops varchar_ops gin_hstore_ops""",
    "gist": """
        box_ops circle_ops multirange_ops point_ops poly_ops range_ops tsquery_ops tsvector_ops
        gist__int_ops gist__ltree_ops gist_bit_ops gist_bool_ops gist_bpchar_ops gist_bytea_ops
        gist_cash_ops gist_cidr_ops gist_cube_ops gist_date_ops gist_enum_ops gist_float4_ops
        gist_float8_ops gist_hstore_ops gist_inet_ops gist_int2_ops gist_int4_ops gist_int8_ops
        gist_interval_ops gist_ltree_ops gist_macaddr8_ops gist_macaddr_ops gist_numeric_ops
        gist_oid_ops gist_seg_ops gist_text_ops gist_time_ops gist_timestamp_ops
        gist_timestamptz_ops gist_timetz_ops gist_uuid_ops gist_vbit_ops
        gist_geometry_ops_2d gist_geography_ops""",
    "spgist": "box_ops inet_ops poly_ops quad_point_ops range_ops text_ops spgist_geometry_ops_2d",
    "brin": """
        bit_minmax_ops box_inclusion_ops bpchar_minmax_ops bytea_minmax_ops char_minmax_ops
        date_minmax_ops float4_minmax_ops float8_minmax_ops inet_inclusion_ops int2_minmax_ops
        int4_minmax_ops int8_minmax_ops interval_minmax_ops macaddr8_minmax_ops macaddr_minmax_ops
        name_minmax_ops numeric_minmax_ops oid_minmax_ops pg_lsn_minmax_ops range_inclusion_ops
        text_minmax_ops tid_minmax_ops time_minmax_ops timestamp_minmax_ops timestamptz_minmax_ops
        timetz_minmax_ops uuid_minmax_ops varbit_minmax_ops
        brin_geometry_inclusion_ops_2d brin_geography_inclusion_ops""",
    "bloom": "int4_ops text_ops",
    "ivfflat": "vector_l2_ops",
}
_DEFAULT_CLASSES = {method: frozenset(names.split()) for method, names in _DEFAULTS.items()}


def opclass(names: Iterable[pg.Node], method: str) -> str:
    """An operator class's name; empty when it is the default one of its type."""
    parts = [node.string.sval for node in names]
    if not parts or parts[-1] in _DEFAULT_CLASSES.get(method, ()):
        return ""
    return parts[-1] if parts[0] in ("public", "pg_catalog") else ".".join(parts)
