-- Row-level security and privileges.
CREATE TABLE tenants (id integer PRIMARY KEY, name text);
CREATE TABLE notes (
    id integer PRIMARY KEY,
    tenant_id integer NOT NULL REFERENCES tenants,
    author text DEFAULT current_user,
    body text,
    public boolean DEFAULT false
);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE notes FORCE ROW LEVEL SECURITY;
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON tenants;
CREATE POLICY own ON notes USING (author = current_user) WITH CHECK (author = current_user);
CREATE POLICY readable ON notes FOR SELECT TO reader, writer USING (public);
CREATE POLICY by_tenant ON notes AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (tenant_id = current_setting('app.tenant')::integer);
CREATE POLICY adding ON notes FOR INSERT TO writer WITH CHECK (body IS NOT NULL);
CREATE POLICY changing ON notes FOR UPDATE TO writer USING (true) WITH CHECK (
    EXISTS (SELECT 1 FROM tenants t WHERE t.id = notes.tenant_id)
);
CREATE POLICY removing ON notes FOR DELETE TO reader USING (false);
ALTER POLICY removing ON notes TO writer USING (author = 'x');
ALTER POLICY removing ON notes RENAME TO deleting;
CREATE POLICY dropped ON notes;
DROP POLICY dropped ON notes;
COMMENT ON POLICY own ON notes IS 'one''s own';

CREATE SEQUENCE counter;
CREATE FUNCTION secret(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
CREATE SCHEMA internal;
CREATE VIEW titles AS SELECT id, body FROM notes;
CREATE TYPE level AS ENUM ('low', 'high');
GRANT SELECT ON notes TO reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON notes, tenants TO writer;
GRANT ALL PRIVILEGES ON TABLE titles TO writer WITH GRANT OPTION;
GRANT SELECT (id, name), UPDATE (name) ON tenants TO reader;
GRANT USAGE, SELECT ON SEQUENCE counter TO writer;
GRANT USAGE ON SCHEMA internal TO reader;
GRANT CREATE ON SCHEMA internal TO writer;
GRANT EXECUTE ON FUNCTION secret(integer) TO reader;
GRANT USAGE ON TYPE level TO reader;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO auditor;
GRANT TRUNCATE ON notes TO PUBLIC;
REVOKE DELETE ON notes FROM writer;
REVOKE GRANT OPTION FOR ALL ON titles FROM writer;
REVOKE ALL ON FUNCTION secret(integer) FROM PUBLIC;
