"""Rules on access: what they must see beyond their examples, and what they must leave alone."""

from __future__ import annotations

import pytest
from schemas import reviewed

TABLE = "CREATE TABLE t (id bigint PRIMARY KEY, owner uuid, tenant text, note text);\n"
GUARDED = TABLE + "ALTER TABLE t ENABLE ROW LEVEL SECURITY;\n"

CASES = [
    # rule, findings, example
    ("policy-without-row-security", 0, GUARDED + "CREATE POLICY p ON t USING (true);"),
    (
        "policy-without-row-security",
        1,
        GUARDED + "CREATE POLICY p ON t USING (true);\nALTER TABLE t DISABLE ROW LEVEL SECURITY;",
    ),
    (
        "policy-without-row-security",
        0,
        TABLE + "CREATE POLICY p ON t USING (true);\n"
        "DO $$ BEGIN EXECUTE 'ALTER TABLE t ENABLE ROW LEVEL SECURITY'; END $$;",
    ),
    ("row-security-without-policy", 0, TABLE),
    (
        "row-security-without-policy",
        0,
        "CREATE SCHEMA auth;\nCREATE TABLE auth.t (id int PRIMARY KEY);\n"
        "ALTER TABLE auth.t ENABLE ROW LEVEL SECURITY;",
    ),
    (
        "row-security-without-policy",
        1,
        GUARDED + "CREATE POLICY p ON t USING (true);\nDROP POLICY p ON t;",
    ),
    ("policy-always-true", 0, GUARDED + "CREATE POLICY p ON t FOR SELECT USING (true);"),
    ("policy-always-true", 1, GUARDED + "CREATE POLICY p ON t FOR DELETE USING (1 = 1);"),
    ("policy-always-true", 1, GUARDED + "CREATE POLICY p ON t TO anon USING ((TRUE));"),
    ("policy-always-true", 0, GUARDED + "CREATE POLICY p ON t TO service_role USING (true);"),
    ("policy-always-true", 0, GUARDED + "CREATE POLICY p ON t AS RESTRICTIVE USING (true);"),
    (
        "policy-always-true",
        0,
        GUARDED + "CREATE POLICY p ON t USING (true);\n"
        "CREATE POLICY q ON t AS RESTRICTIVE USING (tenant = current_user);",
    ),
    (
        "policy-always-true",
        1,
        GUARDED
        + "CREATE POLICY p ON t FOR UPDATE USING (tenant = current_user) WITH CHECK (true);",
    ),
    ("policy-always-true", 0, TABLE + "CREATE POLICY p ON t USING (true);"),
    ("insert-policy-always-true", 1, GUARDED + "CREATE POLICY p ON t FOR INSERT;"),
    ("policy-trusts-user-metadata", 0, GUARDED + "CREATE POLICY user_metadata ON t USING (true);"),
    (
        "policy-trusts-user-metadata",
        1,
        GUARDED + "CREATE POLICY p ON t USING (current_setting('request.jwt.claims')::json"
        " -> 'user_metadata' ->> 'role' = 'admin');",
    ),
    (
        "policy-recursion",
        0,  # the policy for INSERT reads the table through that for SELECT, which reads nothing
        GUARDED + "CREATE POLICY p ON t FOR SELECT USING (note = 'a');\n"
        "CREATE POLICY q ON t FOR INSERT WITH CHECK ((SELECT count(*) FROM t) < 9);",
    ),
    (
        "policy-recursion",
        2,
        GUARDED + "CREATE TABLE u (id bigint PRIMARY KEY);\n"
        "ALTER TABLE u ENABLE ROW LEVEL SECURITY;\n"
        "CREATE POLICY p ON t FOR SELECT USING (EXISTS (SELECT FROM u WHERE u.id = t.id));\n"
        "CREATE POLICY q ON u FOR SELECT USING (EXISTS (SELECT FROM t WHERE u.id = t.id));",
    ),
    (
        "policy-recursion",
        0,
        GUARDED + "CREATE TABLE u (id bigint PRIMARY KEY);\n"
        "ALTER TABLE u ENABLE ROW LEVEL SECURITY;\n"
        "CREATE POLICY p ON t FOR SELECT TO a USING (EXISTS (SELECT FROM u WHERE u.id = t.id));\n"
        "CREATE POLICY q ON u FOR SELECT TO b USING (EXISTS (SELECT FROM t WHERE u.id = t.id));",
    ),
    (
        "policy-call-per-row",
        1,
        GUARDED + "CREATE POLICY p ON t USING (tenant =   current_setting( 'app.tenant' ));",
    ),
    (
        "policy-call-per-row",
        1,
        GUARDED + "CREATE POLICY p ON t USING"
        " (EXISTS (SELECT FROM pg_class WHERE relname = auth.uid()::text));",
    ),
    (
        "policy-call-per-row",
        0,
        GUARDED + "CREATE POLICY p ON t USING (tenant = (SELECT auth.jwt() ->> 'tenant'));",
    ),
    (
        "policy-call-per-row",
        1,
        GUARDED + "CREATE FUNCTION tenant() RETURNS text STABLE LANGUAGE sql AS 'SELECT ''a''';\n"
        "CREATE POLICY p ON t USING (tenant = tenant());",
    ),
    ("policy-call-per-row", 0, GUARDED + "CREATE POLICY p ON t USING (note = lower(tenant));"),
    (
        "policy-column-without-index",
        0,  # an index would not be used
        GUARDED + "CREATE POLICY p ON t USING (note = 'a' OR tenant = current_user);",
    ),
    (
        "policy-column-without-index",
        1,
        GUARDED + "CREATE POLICY p ON t USING (note = 'a' AND t.tenant = current_user);",
    ),
    (
        "policy-column-without-index",
        0,
        '-- facts: {"tables": {"t": {"rows": 20}}}\n'
        + GUARDED
        + "CREATE POLICY p ON t USING (tenant = current_user);",
    ),
    (
        "multiple-permissive-policies",
        0,
        GUARDED + "CREATE POLICY p ON t FOR SELECT TO a USING (true);\n"
        "CREATE POLICY q ON t FOR SELECT TO b USING (true);",
    ),
    (
        "multiple-permissive-policies",
        1,
        GUARDED + "CREATE POLICY p ON t FOR SELECT TO a USING (true);\n"
        "CREATE POLICY q ON t USING (true);",
    ),
    ("policy-for-owner", 0, GUARDED + "CREATE POLICY p ON t USING (true);"),
    ("table-without-row-security", 0, TABLE + "GRANT SELECT ON t TO reporting;"),
    ("table-without-row-security", 0, GUARDED + "GRANT SELECT ON t TO PUBLIC;"),
    (
        "table-without-row-security",
        1,
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO anon;\n" + TABLE,
    ),
    (
        "definer-function-without-search-path",
        0,
        "-- mysql\nCREATE FUNCTION f() RETURNS int SQL SECURITY DEFINER DETERMINISTIC RETURN 1;",
    ),
    (
        "definer-function-without-search-path",
        0,  # names in such a body are bound when it is created
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER RETURN 1;",
    ),
    (
        "definer-function-without-search-path",
        0,
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';\n"
        "ALTER FUNCTION f() SET search_path = '';",
    ),
    (
        "definer-function-callable",
        0,
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
        " AS 'BEGIN RETURN new; END';",
    ),
    (
        "definer-function-callable",
        1,
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';\n"
        "REVOKE EXECUTE ON FUNCTION f(int) FROM PUBLIC;\n"
        "GRANT EXECUTE ON FUNCTION f(int) TO anon;",
    ),
    (
        "view-bypasses-row-security",
        0,  # nobody but the owner may read it
        GUARDED + "CREATE POLICY p ON t USING (true);\nCREATE VIEW v AS SELECT id FROM t;",
    ),
    (
        "view-bypasses-row-security",
        1,
        GUARDED + "CREATE POLICY p ON t USING (true);\n"
        "CREATE MATERIALIZED VIEW v AS SELECT id FROM public.t;\nGRANT SELECT ON v TO app;",
    ),
    (
        "view-bypasses-row-security",
        0,
        GUARDED + "CREATE POLICY p ON t USING (true);\nALTER TABLE t FORCE ROW LEVEL SECURITY;\n"
        "CREATE VIEW v AS SELECT id FROM t;\nGRANT SELECT ON v TO app;",
    ),
    (
        "view-bypasses-row-security",
        0,  # the view's owner does not own the table
        GUARDED + "CREATE POLICY p ON t USING (true);\nALTER TABLE t OWNER TO one;\n"
        "CREATE VIEW v AS SELECT id FROM t;\nALTER VIEW v OWNER TO two;\n"
        "GRANT SELECT ON v TO app;",
    ),
    ("view-as-owner", 0, "-- postgres 14\nCREATE VIEW v AS SELECT 1;\nGRANT SELECT ON v TO anon;"),
    ("view-as-owner", 1, "CREATE VIEW v AS SELECT 1;\nGRANT SELECT ON v TO anon;"),
    (
        "users-shown-by-view",
        1,
        "CREATE SCHEMA auth;\nCREATE TABLE auth.users (id uuid PRIMARY KEY);\n"
        "CREATE VIEW v WITH (security_invoker) AS SELECT id FROM auth.users;\n"
        "GRANT SELECT ON v TO authenticated;",
    ),
    ("password-too-short-for-hash", 1, "-- mysql\nCREATE TABLE t (user_password char(32));"),
    ("password-too-short-for-hash", 0, "-- mysql\nCREATE TABLE t (user_password binary(32));"),
    ("password-too-short-for-hash", 1, "-- sqlite\nCREATE TABLE t (pwd VARCHAR(20));"),
    ("password-too-short-for-hash", 0, "CREATE TABLE t (password text, passport varchar(20));"),
    ("password-too-short-for-hash", 0, "CREATE TABLE t (password_reset_code varchar(20));"),
    ("password-too-short-for-hash", 0, "CREATE TABLE t (smtp_host text, password varchar(20));"),
    ("writable-by-anybody", 0, TABLE + "GRANT ALL ON t TO PUBLIC;\nREVOKE ALL ON t FROM PUBLIC;"),
    ("writable-by-anybody", 0, GUARDED + "GRANT ALL ON t TO PUBLIC;"),
    ("writable-by-anybody", 1, TABLE + "GRANT ALL ON t TO anon, PUBLIC;"),
    ("writable-by-anybody", 0, TABLE + "GRANT ALL ON t TO authenticated;"),
    ("writable-by-anybody", 1, TABLE + "GRANT UPDATE (note) ON t TO PUBLIC;"),
    (
        "sensitive-column-readable",
        0,
        "CREATE TABLE t (id int PRIMARY KEY, token_count int, tokens int);\n"
        "GRANT SELECT ON t TO anon;",
    ),
    ("sensitive-column-readable", 0, "CREATE TABLE t (id int PRIMARY KEY, iban text);"),
    (
        "sensitive-column-readable",
        1,
        'CREATE TABLE t (id int PRIMARY KEY, "apiKey" text, cvv text);\nGRANT ALL ON t TO anon;',
    ),
    (
        "graphql-shows-table",
        1,
        "CREATE EXTENSION pg_graphql;\n"
        + TABLE
        + "GRANT SELECT (id) ON t TO anon;\n"
        + "CREATE TABLE p (id int) PARTITION BY LIST (id);\nGRANT SELECT ON p TO anon;",
    ),
    ("extension-in-public", 0, "CREATE EXTENSION plpgsql;"),
]


@pytest.mark.parametrize(("rule", "count", "example"), CASES)
def test_what_is_found(rule: str, count: int, example: str) -> None:
    findings = reviewed(example, only=(f"schema/{rule}",)).findings
    assert len(findings) == count, [finding.message for finding in findings]


def test_a_call_for_each_row_is_moved_into_a_sub_select() -> None:
    example = GUARDED + (
        'CREATE POLICY "own rows" ON t USING (owner = auth.uid() AND note = $$a$$)'
        " WITH CHECK (owner = (SELECT auth.uid()));"
    )
    (finding,) = reviewed(example, only=("schema/policy-call-per-row",)).findings
    assert finding.ddl == (
        "ALTER POLICY \"own rows\" ON t USING (owner = (SELECT auth.uid()) AND note = 'a')"
        " WITH CHECK (owner = (SELECT auth.uid()))",
    )


def test_who_may_call_a_function_is_told() -> None:
    function = "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';\n"
    (finding,) = reviewed(function, only=("schema/definer-function-callable",)).findings
    assert finding.message.startswith("PUBLIC may call")


def test_a_table_beside_guarded_ones_is_told_apart_by_its_column() -> None:
    tables = "".join(
        f"CREATE TABLE t{n} (id bigint PRIMARY KEY, tenant text NOT NULL);\n" for n in range(8)
    )
    guards = "".join(
        f"ALTER TABLE t{n} ENABLE ROW LEVEL SECURITY;\n"
        f"CREATE POLICY p ON t{n} USING (tenant = current_user);\n"
        for n in range(6)
    )
    found = reviewed(tables + guards, only=("schema/row-security-forgotten",)).findings
    assert {finding.location.pointer for finding in found} == {"/tables/t6", "/tables/t7"}
