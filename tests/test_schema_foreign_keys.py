"""Rules on foreign keys: what they must see beyond their examples, and what to leave alone."""

from __future__ import annotations

import pytest
from schemas import reviewed

USERS = "CREATE TABLE users (id bigint PRIMARY KEY, a int, b int, name text);\n"
POSTS = (
    USERS + "CREATE TABLE posts (id bigint PRIMARY KEY, x int, user_id bigint REFERENCES users);\n"
)
PAIR = (
    "CREATE TABLE p (a int, b int, PRIMARY KEY (a, b));\n"
    "CREATE TABLE c (id int PRIMARY KEY, x int, a int, b int, FOREIGN KEY (a, b) REFERENCES p);\n"
)
MY_USERS = (
    "-- mysql\nCREATE TABLE users (id int unsigned PRIMARY KEY, code varchar(20), KEY (code));\n"
)
LISTS = (
    "CREATE TABLE user_types (id int PRIMARY KEY);\n"
    "CREATE TABLE users (id int PRIMARY KEY, type_id int REFERENCES user_types%s);"
)

CASES = [
    # rule, findings, example
    ("foreign-key-without-index", 1, POSTS),
    ("foreign-key-without-index", 0, POSTS + "CREATE INDEX ON posts (user_id, x);"),
    ("foreign-key-without-index", 1, POSTS + "CREATE INDEX ON posts (x, user_id);"),
    ("foreign-key-without-index", 1, POSTS + "CREATE INDEX ON posts (x) INCLUDE (user_id);"),
    ("foreign-key-without-index", 0, POSTS + "CREATE INDEX ON posts USING hash (user_id);"),
    ("foreign-key-without-index", 1, POSTS + "CREATE INDEX ON posts USING brin (user_id);"),
    ("foreign-key-without-index", 1, POSTS + "CREATE INDEX ON posts ((user_id + 0));"),
    ("foreign-key-without-index", 0, POSTS + "ALTER TABLE posts ADD UNIQUE (user_id, x);"),
    (
        "foreign-key-without-index",
        0,
        POSTS + "CREATE INDEX ON posts (user_id) WHERE user_id IS NOT NULL;",
    ),
    (
        "foreign-key-without-index",
        1,
        POSTS + "CREATE INDEX ON posts (user_id) WHERE x IS NOT NULL;",
    ),
    ("foreign-key-without-index", 1, POSTS + "CREATE INDEX ON posts (user_id) WHERE user_id > 0;"),
    ("foreign-key-without-index", 0, '-- facts: {"tables": {"posts": {"rows": 99}}}\n' + POSTS),
    ("foreign-key-without-index", 0, PAIR + "CREATE INDEX ON c (b, a, x);"),
    (
        "foreign-key-without-index",
        0,
        PAIR + "CREATE INDEX ON c (a, b) WHERE a IS NOT NULL AND b IS NOT NULL;",
    ),
    (
        "foreign-key-without-index",
        0,
        "CREATE EXTENSION btree_gist;\n"
        + POSTS.replace("x int", "x tsrange")
        + "ALTER TABLE posts ADD EXCLUDE USING gist (user_id WITH =, x WITH &&);",
    ),
    ("foreign-key-without-index", 1, PAIR + "CREATE INDEX ON c (a, x, b);"),
    ("foreign-key-without-index", 0, PAIR + "CREATE UNIQUE INDEX ON c (b);"),
    ("foreign-key-without-index", 1, PAIR + "CREATE INDEX ON c (a);"),
    ("foreign-key-without-index", 1, "-- sqlite\n" + POSTS),
    ("foreign-key-without-index", 0, "-- mysql\n" + POSTS),
    (
        "foreign-key-without-index",
        1,  # not one more for the partition
        USERS
        + "CREATE TABLE m (d int PRIMARY KEY, u bigint REFERENCES users) PARTITION BY LIST (d);\n"
        "CREATE TABLE m1 PARTITION OF m FOR VALUES IN (1);",
    ),
    ("dangling-foreign-key", 1, "CREATE TABLE t (id int PRIMARY KEY REFERENCES gone);"),
    ("dangling-foreign-key", 0, "CREATE TABLE t (id int PRIMARY KEY REFERENCES auth.users);"),
    (
        "dangling-foreign-key",
        1,
        USERS + "CREATE TABLE t (id int PRIMARY KEY REFERENCES users (nr));",
    ),
    ("dangling-foreign-key", 0, "CREATE TABLE t (id int PRIMARY KEY REFERENCES t);"),
    (
        "dangling-foreign-key",
        0,  # the target comes later
        "-- mysql\nCREATE TABLE t (id int, FOREIGN KEY (id) REFERENCES u (id));\n"
        "CREATE TABLE u (id int PRIMARY KEY);",
    ),
    (
        "foreign-key-to-non-unique",
        1,
        "CREATE TABLE u (id int);\nCREATE TABLE t (id int PRIMARY KEY, u int REFERENCES u (id));",
    ),
    (
        "foreign-key-to-non-unique",
        0,
        "CREATE TABLE u (id int);\nCREATE UNIQUE INDEX ON u (id);\n"
        "CREATE TABLE t (id int PRIMARY KEY, u int REFERENCES u (id));",
    ),
    (
        "foreign-key-to-non-unique",
        1,
        "CREATE TABLE u (id int);\nCREATE UNIQUE INDEX ON u (id) WHERE id > 0;\n"
        "CREATE TABLE t (id int PRIMARY KEY, u int REFERENCES u (id));",
    ),
    (
        "foreign-key-to-non-unique",
        0,  # in any order
        "CREATE TABLE u (a int, b int, UNIQUE (b, a));\n"
        "CREATE TABLE t (a int, b int, FOREIGN KEY (a, b) REFERENCES u (a, b));",
    ),
    (
        "foreign-key-to-non-unique",
        0,
        MY_USERS + "CREATE TABLE t (c varchar(20), FOREIGN KEY (c) REFERENCES users (code));",
    ),
    (
        "foreign-key-to-plain-index",
        1,
        MY_USERS + "CREATE TABLE t (c varchar(20), FOREIGN KEY (c) REFERENCES users (code));",
    ),
    ("foreign-key-incompatible-types", 0, USERS + "CREATE TABLE t (id integer REFERENCES users);"),
    ("foreign-key-incompatible-types", 1, USERS + "CREATE TABLE t (id uuid REFERENCES users);"),
    ("foreign-key-incompatible-types", 1, USERS + "CREATE TABLE t (id numeric REFERENCES users);"),
    (
        "foreign-key-incompatible-types",
        0,
        "CREATE DOMAIN k AS bigint;\n" + USERS + "CREATE TABLE t (id k REFERENCES users);",
    ),
    (
        "foreign-key-incompatible-types",
        1,
        MY_USERS + "CREATE TABLE t (u int, FOREIGN KEY (u) REFERENCES users (id));",
    ),
    (
        "foreign-key-incompatible-types",
        0,
        MY_USERS + "CREATE TABLE t (u int(11) unsigned, FOREIGN KEY (u) REFERENCES users (id));",
    ),
    (
        "foreign-key-incompatible-types",
        1,
        "-- mysql\nCREATE TABLE u (c varchar(9) PRIMARY KEY) CHARSET latin1;\n"
        "CREATE TABLE t (c varchar(9), FOREIGN KEY (c) REFERENCES u (c)) CHARSET utf8mb4;",
    ),
    (
        "foreign-key-incompatible-types",
        0,
        "-- sqlite\n" + USERS + "CREATE TABLE t (u text REFERENCES users);",
    ),
    (
        "foreign-key-narrower-than-key",
        1,
        "-- sqlite\n" + USERS + "CREATE TABLE t (u text REFERENCES users);",
    ),
    ("foreign-key-narrower-than-key", 0, POSTS),
    (
        "foreign-key-narrower-than-key",
        1,
        "CREATE TABLE u (c varchar(20) PRIMARY KEY);\nCREATE TABLE t (c varchar(10) REFERENCES u);",
    ),
    (
        "foreign-key-sets-null-on-not-null",
        1,
        USERS + "CREATE TABLE t (u bigint NOT NULL REFERENCES users ON DELETE SET DEFAULT);",
    ),
    (
        "foreign-key-sets-null-on-not-null",
        0,
        USERS
        + "CREATE TABLE t (u bigint NOT NULL DEFAULT 1 REFERENCES users ON DELETE SET DEFAULT);",
    ),
    (
        "foreign-key-sets-null-on-not-null",
        0,
        PAIR + "CREATE TABLE t (a int NOT NULL, b int, FOREIGN KEY (a, b) REFERENCES p\n"
        "  ON DELETE SET NULL (b));",
    ),
    (
        "duplicate-foreign-key",
        0,
        USERS + "CREATE TABLE t (a bigint REFERENCES users, b bigint REFERENCES users);",
    ),
    ("composite-foreign-key-with-nulls", 1, PAIR),
    ("composite-foreign-key-with-nulls", 0, PAIR + "ALTER TABLE c ALTER a SET NOT NULL;"),
    (
        "composite-foreign-key-with-nulls",
        0,
        PAIR + "ALTER TABLE c ADD CHECK ((a IS NULL) = (b IS NULL));",
    ),
    ("foreign-key-ignored", 0, "-- mysql 9.0\n" + POSTS),
    ("foreign-key-ignored", 1, "-- mysql\n" + POSTS),
    (
        "foreign-key-ignored",
        1,
        MY_USERS
        + "CREATE TABLE t (u int unsigned, FOREIGN KEY (u) REFERENCES users (id)) ENGINE=MyISAM;",
    ),
    (
        "constraint-not-validated",
        1,
        POSTS + "ALTER TABLE posts ADD FOREIGN KEY (id) REFERENCES users NOT VALID;",
    ),
    (
        "foreign-key-cycle-not-insertable",
        0,
        "CREATE TABLE a (id int PRIMARY KEY, b int NOT NULL);\n"
        "CREATE TABLE b (id int PRIMARY KEY, a int NOT NULL REFERENCES a DEFERRABLE);\n"
        "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b;",
    ),
    (
        "foreign-key-cycle-not-insertable",
        0,
        "CREATE TABLE a (id int PRIMARY KEY, a int NOT NULL REFERENCES a);",
    ),
    (
        "foreign-key-cycle-not-insertable",
        1,
        "CREATE TABLE a (id int PRIMARY KEY);\n"
        "CREATE TABLE b (id int PRIMARY KEY REFERENCES a);\n"
        "CREATE TABLE c (id int PRIMARY KEY REFERENCES b);\n"
        "CREATE TABLE d (id int PRIMARY KEY REFERENCES c);\n"
        "ALTER TABLE b ADD FOREIGN KEY (id) REFERENCES d;",
    ),
    ("polymorphic-association", 0, USERS + "CREATE TABLE t (user_id bigint, user_type text);"),
    ("polymorphic-association", 0, "CREATE TABLE t (owner_id bigint, owner_type int);"),
    ("polymorphic-association", 1, "CREATE TABLE t (owner_id uuid, owner_type varchar(20));"),
    (
        "polymorphic-association",
        0,
        "CREATE TABLE t (comment_id int PRIMARY KEY, comment_type text);",
    ),
    ("polymorphic-association", 0, "CREATE TABLE t (method_id text, method_type text);"),
    ("polymorphic-association", 0, "CREATE TABLE t (image_id int, image_type text);"),
    ("polymorphic-association", 0, "CREATE TABLE audit_log (owner_id int, owner_type text);"),
    ("polymorphic-association", 1, "CREATE TABLE t (notable_id int, notable_type text);"),
    ("foreign-key-without-index", 0, LISTS % ""),
    ("list-reference-without-index", 1, LISTS % ""),
    ("foreign-key-without-index", 1, LISTS % " ON DELETE CASCADE"),
    ("list-reference-without-index", 0, LISTS % " ON DELETE CASCADE"),
    (
        "polymorphic-association",
        1,
        "-- mysql\nCREATE TABLE t (owner_id char(36), owner_type varchar(20));",
    ),
    ("reference-without-foreign-key", 0, USERS + "CREATE TABLE t (user_id uuid);"),
    ("reference-without-foreign-key", 1, USERS + 'CREATE TABLE t ("userId" bigint);'),
    ("reference-without-foreign-key", 0, USERS + "CREATE TABLE t (external_user_id bigint);"),
    (
        "reference-without-foreign-key",
        1,
        "CREATE TABLE categories (id int PRIMARY KEY);\nCREATE TABLE t (category_id int);",
    ),
    (
        "cascading-delete",
        1,
        USERS + "CREATE TABLE t (u bigint REFERENCES users ON DELETE CASCADE);",
    ),
    ("isolated-table", 0, USERS),
    (
        "foreign-key-to-provider-table",
        0,
        "CREATE TABLE t (id int PRIMARY KEY, u uuid REFERENCES auth.users);",
    ),
]


@pytest.mark.parametrize(("rule", "count", "example"), CASES)
def test_what_is_found(rule: str, count: int, example: str) -> None:
    findings = reviewed(example, only=(f"schema/{rule}",)).findings
    assert len(findings) == count, [finding.message for finding in findings]


INDEXES = [
    (POSTS, "CREATE INDEX CONCURRENTLY posts_user_id_idx ON posts (user_id)"),
    ("-- sqlite\n" + POSTS, "CREATE INDEX posts_user_id_idx ON posts (user_id)"),
    (
        USERS + 'CREATE SCHEMA s;\nCREATE TABLE s."Posts" ("User" bigint REFERENCES users);',
        'CREATE INDEX CONCURRENTLY "Posts_User_idx" ON s."Posts" ("User")',
    ),
    (
        POSTS.replace("posts", "p" * 60),
        f"CREATE INDEX CONCURRENTLY {'p' * 52}_6733f6_idx ON {'p' * 60} (user_id)",
    ),
    (
        POSTS + "CREATE TABLE posts_user_id_idx (id int PRIMARY KEY);",
        "CREATE INDEX CONCURRENTLY posts_user_id_5b7e60_idx ON posts (user_id)",
    ),
    (
        PAIR + "CREATE INDEX ON c (a);",  # which an index on (a, b) would make redundant
        "CREATE INDEX CONCURRENTLY c_b_a_idx ON c (b, a)",
    ),
]


@pytest.mark.parametrize(("example", "statement"), INDEXES)
def test_the_index_that_is_proposed(example: str, statement: str) -> None:
    (finding,) = reviewed(example, only=("schema/foreign-key-without-index",)).findings
    assert finding.ddl == (statement,)


def test_a_cycle_is_told_in_order() -> None:
    example = (
        "CREATE TABLE a (id int PRIMARY KEY);\n"
        "CREATE TABLE b (id int PRIMARY KEY REFERENCES a);\n"
        "CREATE TABLE c (id int PRIMARY KEY REFERENCES b);\n"
        "ALTER TABLE a ADD FOREIGN KEY (id) REFERENCES c;"
    )
    (finding,) = reviewed(example, only=("schema/foreign-key-cycle",)).findings
    assert finding.message.endswith("`a` → `c` → `b` → `a`")


def test_one_index_serves_two_foreign_keys() -> None:
    example = (
        PAIR + USERS + "ALTER TABLE c ALTER a TYPE bigint, ADD FOREIGN KEY (a) REFERENCES users;"
    )
    findings = reviewed(example, only=("schema/foreign-key-without-index",)).findings
    assert [finding.ddl for finding in findings] == [
        ("CREATE INDEX CONCURRENTLY c_a_b_idx ON c (a, b)",)
    ] * 2


def test_a_constraint_that_only_the_database_did_not_validate() -> None:
    facts = '{"unvalidated_constraints": [{"schema": "public", "table": "t", "name": "t_a_check"}]}'
    example = f"-- facts: {facts}\nCREATE TABLE t (a int CHECK (a > 0), b int CHECK (b > 0));"
    (finding,) = reviewed(example, only=("schema/constraint-not-validated",)).findings
    assert finding.ddl == ("ALTER TABLE t VALIDATE CONSTRAINT t_a_check",)
