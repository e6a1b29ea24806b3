"""MySQL's and MariaDB's DDL. What is expected here was seen in their information_schema."""

from __future__ import annotations

import time

import pytest

from backend_architect.tools.ddl.diff import flatten
from backend_architect.tools.ddl.model import (
    Dialect,
    ForeignKey,
    Grant,
    IndexPart,
    Name,
    NotNull,
    Schema,
    SequenceOptions,
    Sql,
    Table,
    Type,
)
from backend_architect.tools.ddl.mysql.emit import emit
from backend_architect.tools.ddl.mysql.parse import fold
from backend_architect.tools.ddl.script import Statement, split

SHOP = """
SET NAMES utf8mb4;
CREATE DATABASE shop DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
USE shop;
CREATE TABLE `customer` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT COMMENT 'the key',
  `mail` varchar(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `active` bool DEFAULT '1',
  `notes` text,
  `state` enum('new','it''s','old') NOT NULL DEFAULT 'new',
  `place` point NOT NULL /*!80003 SRID 4326 */,
  `lower` varchar(255) GENERATED ALWAYS AS (lower(`mail`)) STORED,
  `seen` timestamp(3) NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  `price` decimal(10,2) DEFAULT '0',
  PRIMARY KEY (`id`),
  UNIQUE KEY (`mail`),
  KEY `by_notes` (`notes`(20), `active` DESC) USING BTREE COMMENT 'c',
  KEY ((lower(`notes`))),
  FULLTEXT KEY `words` (`notes`) WITH PARSER ngram,
  SPATIAL KEY `where` (`place`),
  CHECK (`price` >= 0),
  CONSTRAINT `named` CHECK (`price` < 100) NOT ENFORCED
) ENGINE=innodb AUTO_INCREMENT=17 DEFAULT CHARSET=utf8 ROW_FORMAT=DYNAMIC COMMENT='it''s';
CREATE TABLE purchase (
  id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
  customer INT UNSIGNED,
  other INT UNSIGNED,
  parent BIGINT UNSIGNED REFERENCES purchase (id),
  at DATETIME DEFAULT NOW(),
  INDEX (customer, at),
  FOREIGN KEY (customer) REFERENCES customer (id) ON DELETE CASCADE,
  CONSTRAINT fk_other FOREIGN KEY (other) REFERENCES CUSTOMER (ID) ON UPDATE SET NULL
) PARTITION BY HASH (id) PARTITIONS 4;
CREATE OR REPLACE ALGORITHM=MERGE DEFINER=`root`@`localhost` SQL SECURITY INVOKER
VIEW recent (id) AS SELECT id FROM purchase WHERE at > now() WITH CASCADED CHECK OPTION;
DELIMITER $$
CREATE TRIGGER stamp BEFORE INSERT ON purchase FOR EACH ROW BEGIN SET NEW.at = now(); END$$
CREATE PROCEDURE tidy(IN days INT, OUT n INT) READS SQL DATA BEGIN SELECT 1; END$$
CREATE DEFINER='a'@'%' FUNCTION twice(a INT UNSIGNED) RETURNS BIGINT DETERMINISTIC RETURN 2 * a$$
DELIMITER ;
GRANT SELECT, UPDATE (at) ON shop.purchase TO 'app'@'%' WITH GRANT OPTION;
REVOKE SELECT ON purchase FROM 'app'@'%';
"""


def parsed(text: str, dialect: Dialect = Dialect.MYSQL) -> Schema:
    return fold(split(text, "a.sql", dialect)[0], dialect)


def table(text: str, name: str = "t", dialect: Dialect = Dialect.MYSQL) -> Table:
    schema = parsed(text, dialect)
    assert schema.unread == ()
    return schema.tables[Name("", name)]


def again(schema: Schema) -> Schema:
    return fold((Statement("", 0, text) for text in emit(schema)), schema.dialect)


@pytest.mark.parametrize("dialect", [Dialect.MYSQL, Dialect.MARIADB])
def test_what_is_emitted_means_the_same(dialect: Dialect) -> None:
    schema = parsed(SHOP, dialect)
    assert schema.unread == ()
    assert len(schema.tables) == 2
    assert flatten(again(schema)) == flatten(schema)


def test_columns_are_as_the_catalog_has_them() -> None:
    schema = parsed(SHOP)
    assert (schema.charset, schema.collation) == ("utf8mb4", "utf8mb4_unicode_ci")
    customer = schema.tables[Name("", "customer")]
    columns = customer.columns
    assert columns["id"].type == Type("int", modifiers=frozenset({"unsigned"}))
    assert columns["id"].auto_increment
    assert columns["id"].comment == "the key"
    assert columns["active"].type == Type("tinyint", ("1",))
    assert columns["active"].default == "1"
    assert columns["price"].default == "0.00"
    assert columns["state"].type.values == ("new", "it's", "old")
    assert columns["state"].default == "'new'"
    assert columns["place"].options == {"srid": "4326"}
    assert (columns["mail"].charset, columns["mail"].collation) == ("ascii", "ascii_bin")
    assert columns["seen"].on_update == "CURRENT_TIMESTAMP(3)"
    assert columns["lower"].generated is not None
    assert columns["lower"].generated.stored
    assert (customer.engine, customer.charset, customer.comment) == ("InnoDB", "utf8mb3", "it's")
    assert customer.options == {"auto_increment": "17", "row_format": "dynamic"}


def test_keys_and_constraints_get_the_names_of_the_engine() -> None:
    schema = parsed(SHOP)
    customer, purchase = schema.tables[Name("", "customer")], schema.tables[Name("", "purchase")]
    assert customer.primary_key is not None
    assert customer.primary_key.columns == ("id",)
    assert list(customer.indexes) == ["mail", "by_notes", "functional_index", "words", "where"]
    assert customer.indexes["mail"].unique
    assert customer.indexes["by_notes"].parts == (
        IndexPart(Sql("notes"), length=20),
        IndexPart(Sql("active"), descending=True),
    )
    assert customer.indexes["words"].method == "fulltext"
    assert {name: check.enforced for name, check in customer.checks.items()} == {
        "customer_chk_1": True,
        "named": False,
    }
    assert list(purchase.indexes) == ["customer", "fk_other"]  # the second is InnoDB's own
    assert purchase.columns["id"].not_null is not None
    fixed = purchase.foreign_keys["purchase_ibfk_1"]
    assert (fixed.referenced, fixed.on_delete) == (("id",), "cascade")
    assert purchase.foreign_keys["fk_other"].table == Name("", "customer")
    assert purchase.foreign_keys["fk_other"].referenced == ("id",)
    assert purchase.partition_by is not None
    assert purchase.partition_by.text == "PARTITION BY HASH (id) PARTITIONS 4"


def test_a_reference_at_a_column_counts_in_mariadb_only() -> None:
    ddl = "CREATE TABLE p (id INT PRIMARY KEY); CREATE TABLE t (a INT REFERENCES p (id))"
    forgotten = table(ddl)
    assert [key.enforced for key in forgotten.foreign_keys.values()] == [False]
    assert not forgotten.indexes
    real = table(ddl, dialect=Dialect.MARIADB)
    assert real.foreign_keys["t_ibfk_1"] == ForeignKey("t_ibfk_1", ("a",), Name("", "p"), ("id",))
    assert list(real.indexes) == ["a"]


def test_the_rest_of_the_schema() -> None:
    schema = parsed(SHOP)
    view = schema.views[Name("", "recent")]
    assert view.query == "SELECT id FROM purchase WHERE at > now()"
    assert view.options == {
        "algorithm": "merge",
        "sql security": "invoker",
        "check_option": "cascaded",
    }
    assert (view.columns, view.owner) == (("id",), "root@localhost")
    trigger = schema.tables[Name("", "purchase")].triggers["stamp"]
    assert trigger.body == "BEGIN SET NEW.at = now(); END"
    tidy, twice = schema.functions["tidy(int)"], schema.functions["twice(int unsigned)"]
    assert (tidy.kind, tidy.settings) == ("procedure", {"data access": "reads sql data"})
    assert (twice.returns, twice.volatility, twice.body) == ("bigint", "immutable", "RETURN 2 * a")
    assert list(schema.grants) == [
        Grant("update", "table", "purchase", "app@%", ("at",), grantable=True)
    ]


def test_each_object_knows_its_place() -> None:
    customer = parsed(SHOP).tables[Name("", "customer")]
    for at, text in (
        (customer.at, "CREATE TABLE `customer`"),
        (customer.columns["notes"].at, "`notes`"),
        (customer.indexes["words"].at, "FULLTEXT KEY"),
        (customer.checks["named"].at, "CONSTRAINT `named`"),
    ):
        assert at is not None
        assert SHOP[at.offset :].startswith(text)


ALTERED = """
CREATE TABLE p (id INT PRIMARY KEY);
CREATE TABLE t (id INT, a INT NOT NULL, b VARCHAR(10), KEY b (b), CHECK (a > 0)) CHARSET latin1;
"""


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("ADD c INT FIRST, ADD COLUMN (d INT, e INT)", ["c", "id", "a", "b", "d", "e"]),
        ("ADD COLUMN c INT AFTER id", ["id", "c", "a", "b"]),
        ("MODIFY b TEXT AFTER id, DROP COLUMN id", ["b", "a"]),
        ("CHANGE a z BIGINT UNSIGNED, RENAME COLUMN b TO y", ["id", "z", "y"]),
        ("DROP a, ADD a INT, ALGORITHM=INSTANT, LOCK=NONE", ["id", "b", "a"]),
    ],
)
def test_alter_columns(action: str, expected: list[str]) -> None:
    assert list(table(f"{ALTERED} ALTER TABLE t {action}").columns) == expected


def test_a_renamed_column_is_followed() -> None:
    ddl = f"{ALTERED} CREATE TABLE f (a INT, FOREIGN KEY (a) REFERENCES p (id));"
    schema = parsed(f"{ddl} ALTER TABLE t CHANGE a z INT; ALTER TABLE p RENAME COLUMN id TO key_")
    altered = schema.tables[Name("", "t")]
    assert altered.checks["t_chk_1"].expression == "z > 0"
    assert altered.columns["z"].not_null is None
    assert schema.tables[Name("", "f")].foreign_keys["f_ibfk_1"].referenced == ("key_",)
    assert schema.tables[Name("", "p")].keys["PRIMARY"].columns == ("key_",)


def test_alter_keys_and_options() -> None:
    altered = table(
        f"{ALTERED} ALTER TABLE t ADD PRIMARY KEY (id), ADD UNIQUE u (b(5)), DROP INDEX b,"
        " ADD CONSTRAINT fk FOREIGN KEY (a) REFERENCES p (id), ALTER COLUMN a SET DEFAULT 5,"
        " DROP CHECK t_chk_1, ENGINE = MyISAM, COMMENT 'c', ADD INDEX (id) INVISIBLE;"
        "ALTER TABLE t DROP PRIMARY KEY, RENAME INDEX id TO again, ALTER INDEX again VISIBLE;"
        "CREATE INDEX by_a ON t (a, id); DROP INDEX u ON t; RENAME TABLE t TO s;",
        "s",
    )
    assert not altered.keys
    assert not altered.checks
    assert altered.columns["id"].not_null == NotNull()  # stays behind
    assert altered.columns["a"].default == "5"
    assert list(altered.indexes) == ["again", "by_a"]  # the key's own index is not needed now
    assert not altered.indexes["again"].invisible
    assert (altered.engine, altered.comment) == ("MyISAM", "c")


def test_character_sets_of_columns_follow_conversions_only() -> None:
    kept = table(f"{ALTERED} ALTER TABLE t DEFAULT CHARACTER SET utf8mb4")
    assert (kept.charset, kept.columns["b"].charset) == ("utf8mb4", "latin1")
    converted = table(f"{ALTERED} ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4")
    assert (converted.charset, converted.columns["b"].charset) == ("utf8mb4", "")
    own = table("CREATE TABLE t (a CHAR BINARY, b TEXT COLLATE latin1_bin) CHARSET latin1")
    assert own.columns["a"].collation == own.columns["b"].collation == "latin1_bin"


def test_partitions_are_followed() -> None:
    ranges = "PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (5), PARTITION z VALUES LESS"
    altered = table(
        f"CREATE TABLE t (id INT) {ranges} THAN MAXVALUE);"
        "ALTER TABLE t REORGANIZE PARTITION z INTO (PARTITION b VALUES LESS THAN (9),"
        " PARTITION y VALUES LESS THAN MAXVALUE); ALTER TABLE t DROP PARTITION a;"
        "ALTER TABLE t TRUNCATE PARTITION b;"
    )
    assert altered.partition_by is not None
    assert altered.partition_by.text == (
        "PARTITION BY RANGE (id) (PARTITION b VALUES LESS THAN (9), PARTITION y VALUES LESS THAN"
        " MAXVALUE)"
    )
    assert (
        table(
            "CREATE TABLE t (a INT) PARTITION BY KEY (a); ALTER TABLE t REMOVE PARTITIONING"
        ).partition_by
        is None
    )


def test_mariadb() -> None:
    schema = parsed(
        """
        CREATE SEQUENCE s START WITH 5 INCREMENT BY 2 NOCACHE CYCLE;
        CREATE TABLE t (
          id BIGINT DEFAULT NEXTVAL(s) PRIMARY KEY,
          u UUID DEFAULT uuid(),
          a INT CHECK (a > 0),
          hidden INT INVISIBLE,
          started TIMESTAMP(6) GENERATED ALWAYS AS ROW START,
          ended TIMESTAMP(6) GENERATED ALWAYS AS ROW END,
          PERIOD FOR SYSTEM_TIME (started, ended),
          CHECK (a < 9)
        ) WITH SYSTEM VERSIONING;
        CREATE OR REPLACE TABLE r (a INT);
        ALTER TABLE IF EXISTS missing ADD a INT;
        ALTER TABLE t ADD COLUMN IF NOT EXISTS a TEXT, DROP INDEX IF EXISTS i;
        """,
        Dialect.MARIADB,
    )
    assert schema.unread == ()
    made = schema.tables[Name("", "t")]
    assert schema.sequences[Name("", "s")].options == SequenceOptions(
        "bigint", 5, 2, 1, 2**63 - 2, 0, cycle=True
    )
    assert made.columns["a"].type == Type("int")
    assert made.columns["id"].default == "NEXTVAL(s)"
    assert made.columns["ended"].not_null is not None
    assert made.columns["hidden"].invisible
    assert list(made.checks) == ["a", "CONSTRAINT_1"]
    assert made.options == {
        "period for system_time": "started, ended",
        "system versioning": "yes",
    }
    assert flatten(again(schema)) == flatten(schema)


def test_foreign_keys_in_a_circle() -> None:
    schema = parsed(
        "CREATE TABLE a (id INT PRIMARY KEY, b INT, KEY (b));"
        "CREATE TABLE b (id INT PRIMARY KEY, a INT, FOREIGN KEY (a) REFERENCES a (id));"
        "ALTER TABLE a ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES b (id);"
    )
    assert emit(schema)[-1] == "ALTER TABLE a ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES b (id)"
    assert flatten(again(schema)) == flatten(schema)


def test_databases() -> None:
    schema = parsed(
        "CREATE DATABASE a CHARSET latin1; CREATE TABLE a.x (i INT); USE a; CREATE TABLE y (i INT);"
        "CREATE DATABASE b; USE b; CREATE TABLE z (i INT); CREATE TABLE a.w LIKE a.x;"
    )
    assert set(schema.tables) == {Name("", "x"), Name("", "y"), Name("", "w"), Name("b", "z")}
    assert schema.charset == "latin1"
    assert list(schema.namespaces) == ["b"]


@pytest.mark.parametrize(
    ("text", "reason", "at"),
    [
        ("CREATE TABLE t (a INT, b INT WRONG, c INT)", "a column attribute expected", "WRONG"),
        ("CREATE TABLE t (a INT) WRONG", "a table option expected", "WRONG"),
        ("CREATE TABLE t (a INT) AS SELECT 1", "the columns that the query adds", "AS SELECT"),
        ("CREATE TABLE t SELECT 1", "the columns of a query are not known", "CREATE"),
        ("CREATE TABLE t (a INT; DROP", "a `(` that is never closed", "("),
        ("CREATE INDEX i ON missing (a)", "the table `missing` is not known", "missing"),
        ("DROP TABLE missing", "the table `missing` is not known", "missing"),
        ("CALL tidy()", "calls a procedure", "CALL"),
        ("EXECUTE made", "a statement that is built at run time", "EXECUTE"),
        ("CREATE WIDGET w", "an object of unknown kind", "WIDGET"),
        ("ALTER TABLE p DROP COLUMN missing", "no such column", "missing"),
        ("ALTER TABLE p FROBNICATE", "an action expected", "FROBNICATE"),
    ],
)
def test_what_is_not_understood_is_reported(text: str, reason: str, at: str) -> None:
    script = f"CREATE TABLE p (id INT);\n{text}"
    note = parsed(script).unread[0]
    assert note.reason.startswith(reason)
    assert script[note.at.offset :].startswith(at)


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE t (a INT, CHECK (" + " AND ".join(["a>1"] * 30_000) + "))",
        "CREATE TABLE t (a INT DEFAULT " + "(" * 10_000 + "1" + ")" * 10_000 + ")",
        "".join(f"CREATE TABLE t{n} (id INT PRIMARY KEY, KEY (id));\n" for n in range(500)),
    ],
    ids=["terms", "parentheses", "tables"],
)
def test_large_scripts_are_read(text: str) -> None:
    schema = parsed(text)
    assert schema.unread == ()
    assert flatten(again(schema)) == flatten(schema)


def test_hostile_statements_are_refused() -> None:
    started = time.monotonic()
    for text, reason in (
        ("CREATE TABLE t (" + "," * 50_000 + ")", "more than an engine takes"),
        ("CREATE TABLE t (a INT, " + ",".join(["KEY (a)"] * 9_000) + ")", "more than an engine"),
        ("CREATE TABLE t " + "(" * 50_000, "never closed"),
        ("CREATE TABLE t (a INT DEFAULT " + "9" * 1_100_000 + ")", "longer than"),
    ):
        schema = parsed(text)
        assert not schema.tables
        assert reason in schema.unread[-1].reason
    assert time.monotonic() - started < 30


def test_names_are_quoted_only_where_needed() -> None:
    (statement,) = emit(parsed("CREATE TABLE `plain` (`a b` int, `order` int, `x``y` int)"))
    assert statement == (
        "CREATE TABLE plain (\n  `a b` int,\n  `order` int,\n  `x``y` int\n) ENGINE=InnoDB"
    )
