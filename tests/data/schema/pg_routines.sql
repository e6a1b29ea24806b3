-- Functions, procedures, triggers, rules, views.
CREATE TABLE accounts (
    id integer PRIMARY KEY,
    owner text NOT NULL,
    balance numeric DEFAULT 0 NOT NULL,
    parent integer REFERENCES accounts,
    changed timestamptz
);
CREATE TABLE log (account integer, what text, at timestamptz DEFAULT now());

CREATE FUNCTION plain() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE OR REPLACE FUNCTION plain() RETURNS integer LANGUAGE sql AS 'SELECT 2';
CREATE FUNCTION with_all(a integer, b text DEFAULT 'x', VARIADIC rest integer[] DEFAULT '{}')
    RETURNS text LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER PARALLEL SAFE COST 50
    SET search_path TO public, pg_temp SET work_mem = '8MB'
AS $body$
BEGIN
    RETURN a || b; -- a comment; with a semicolon
END
$body$;
CREATE FUNCTION returns_table(IN key integer, OUT total numeric, INOUT count bigint)
    LANGUAGE sql IMMUTABLE AS $$ SELECT 1.0, $2 $$;
CREATE FUNCTION many(min numeric) RETURNS TABLE (id integer, owner text) LANGUAGE sql ROWS 10
    AS $$ SELECT id, owner FROM accounts WHERE balance > min $$;
CREATE FUNCTION set_of() RETURNS SETOF accounts LANGUAGE sql STABLE
    AS $$ SELECT * FROM accounts $$;
ALTER FUNCTION set_of() STRICT;
CREATE FUNCTION arrays(integer[], varchar(10), numeric(4, 2)) RETURNS timestamptz[]
    LANGUAGE sql CALLED ON NULL INPUT RETURN ARRAY[now()];
CREATE FUNCTION atomic(x integer) RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT x + 1; END;
CREATE PROCEDURE move(amount numeric, source integer, INOUT result text DEFAULT NULL)
    LANGUAGE plpgsql AS $$ BEGIN UPDATE accounts SET balance = balance - amount; END $$;
CREATE FUNCTION overloaded(integer) RETURNS void LANGUAGE sql AS '';
CREATE FUNCTION overloaded(text) RETURNS void LANGUAGE sql AS '';
CREATE FUNCTION doomed() RETURNS void LANGUAGE sql AS '';
DROP FUNCTION doomed();
ALTER FUNCTION overloaded(text) RENAME TO renamed;
ALTER FUNCTION plain() IMMUTABLE PARALLEL RESTRICTED COST 7;
ALTER FUNCTION plain() SET statement_timeout TO '5s';
COMMENT ON FUNCTION plain() IS 'returns two';
COMMENT ON PROCEDURE move(numeric, integer, text) IS 'moves';

CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN NEW.changed := now(); RETURN NEW; END $$;
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN INSERT INTO log VALUES (1, TG_OP); RETURN NULL; END $$;
CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION touched();
CREATE TRIGGER on_balance BEFORE UPDATE OF balance, owner ON accounts FOR EACH ROW
    WHEN (OLD.balance IS DISTINCT FROM NEW.balance) EXECUTE PROCEDURE touched();
CREATE TRIGGER with_arguments AFTER DELETE OR TRUNCATE ON accounts
    FOR EACH STATEMENT EXECUTE FUNCTION noted('a', 'it''s', 3);
CREATE TRIGGER with_tables AFTER UPDATE ON accounts
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION noted();
CREATE CONSTRAINT TRIGGER checked AFTER INSERT ON accounts FROM log
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.balance < 0) EXECUTE FUNCTION noted();
CREATE TRIGGER to_drop BEFORE DELETE ON accounts EXECUTE FUNCTION noted();
DROP TRIGGER to_drop ON accounts;
CREATE OR REPLACE TRIGGER touch BEFORE INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION touched();
ALTER TRIGGER with_tables ON accounts RENAME TO with_transition_tables;
ALTER TABLE accounts DISABLE TRIGGER on_balance;
ALTER TABLE accounts ENABLE ALWAYS TRIGGER touch;
ALTER TABLE accounts ENABLE REPLICA TRIGGER with_arguments;
COMMENT ON TRIGGER touch ON accounts IS 'keeps the time';

CREATE VIEW rich AS SELECT id, owner, balance FROM accounts WHERE balance > 1000;
CREATE VIEW renamed_columns (key, who) AS SELECT id, owner FROM accounts;
CREATE OR REPLACE VIEW rich AS SELECT id, owner, balance, parent FROM accounts WHERE balance > 100;
CREATE VIEW checked_view WITH (security_barrier = true) AS
    SELECT id, owner FROM accounts WHERE owner = 'me' WITH LOCAL CHECK OPTION;
CREATE VIEW invoker WITH (security_invoker) AS SELECT accounts.id FROM accounts
    WITH CASCADED CHECK OPTION;
CREATE VIEW joined AS
    SELECT a.id, p.owner AS parent_owner, count(l.*) AS lines
    FROM accounts a
    JOIN accounts p ON p.id = a.parent
    LEFT JOIN log l ON l.account = a.id
    GROUP BY a.id, p.owner
    HAVING count(*) > 1
    ORDER BY lines DESC LIMIT 10;
CREATE RECURSIVE VIEW tree (id, depth) AS
    SELECT id, 0 FROM accounts WHERE parent IS NULL
    UNION ALL SELECT a.id, t.depth + 1 FROM accounts a JOIN tree t ON a.parent = t.id;
CREATE VIEW nested AS WITH big AS (SELECT * FROM accounts WHERE balance > 5)
    SELECT id, (SELECT max(at) FROM log WHERE log.account = big.id) AS last,
        row_number() OVER (PARTITION BY owner ORDER BY balance) AS nth
    FROM big WHERE EXISTS (SELECT 1 FROM log WHERE account = big.id) AND owner IN ('a', 'b');
CREATE MATERIALIZED VIEW summary AS SELECT owner, sum(balance) AS total FROM accounts GROUP BY 1;
CREATE MATERIALIZED VIEW later WITH (fillfactor = 50) AS SELECT 1 AS one WITH NO DATA;
CREATE UNIQUE INDEX summary_owner ON summary (owner);
CREATE VIEW doomed AS SELECT 1 AS one;
DROP VIEW doomed;
ALTER VIEW renamed_columns RENAME TO for_people;
ALTER VIEW rich ALTER COLUMN balance SET DEFAULT 3;
ALTER VIEW for_people SET (security_barrier);
ALTER VIEW for_people RENAME COLUMN who TO person;
COMMENT ON VIEW rich IS 'the rich';
COMMENT ON MATERIALIZED VIEW summary IS 'all of it';
CREATE FUNCTION insert_rich() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER into_rich INSTEAD OF INSERT ON rich FOR EACH ROW EXECUTE FUNCTION insert_rich();
CREATE RULE log_update AS ON UPDATE TO accounts WHERE OLD.owner <> NEW.owner
    DO ALSO INSERT INTO log VALUES (OLD.id, 'owner');
CREATE RULE no_delete AS ON DELETE TO log DO INSTEAD NOTHING;
COMMENT ON RULE no_delete ON log IS 'kept';

-- What an unqualified name means depends on the search path of its statement.
CREATE SCHEMA other;
SET search_path TO other, public;
CREATE TYPE kind AS ENUM ('a', 'b');
CREATE SEQUENCE numbers;
CREATE FUNCTION doubled(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
CREATE TABLE things (
    id integer DEFAULT nextval('numbers') PRIMARY KEY,
    kind kind DEFAULT 'a'::kind,
    n integer CHECK (doubled(n) > 0)
);
CREATE INDEX ON things (doubled(n)) WHERE kind = 'b'::kind;
CREATE VIEW shown AS WITH big AS (SELECT * FROM things WHERE doubled(n) > 5)
    SELECT big.id, accounts.owner FROM big JOIN accounts ON accounts.id = big.id;
CREATE RULE keep AS ON DELETE TO things DO INSTEAD NOTHING;
CREATE CAST (kind AS integer) WITH INOUT AS ASSIGNMENT;
CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0');
RESET search_path;
CREATE VIEW outside AS SELECT id, kind::text FROM other.things;

-- What is attached to a view.
CREATE VIEW attached AS SELECT 1 AS a;
CREATE RULE unwanted AS ON INSERT TO attached DO INSTEAD NOTHING;
COMMENT ON RULE unwanted ON attached IS 'nothing happens';
ALTER RULE unwanted ON attached RENAME TO ignored;
CREATE FUNCTION instead_of() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER refuse INSTEAD OF DELETE ON attached FOR EACH ROW EXECUTE FUNCTION instead_of();
CREATE TRIGGER doomed INSTEAD OF UPDATE ON attached FOR EACH ROW EXECUTE FUNCTION instead_of();
COMMENT ON TRIGGER refuse ON attached IS 'rows stay';
ALTER TRIGGER refuse ON attached RENAME TO refused;
DROP TRIGGER doomed ON attached;
