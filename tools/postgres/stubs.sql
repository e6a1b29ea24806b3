-- Stand-ins for extensions that an installation lacks, so that a schema that uses them applies.
-- They have the names and types of what schemas mention most, not what it does: a digest is not
-- the extension's digest. Each part becomes the script of an extension of that name; `superuser`
-- marks the parts that need one (base types). Names are qualified, nothing is executed.

-- extension pgcrypto
CREATE FUNCTION gen_random_uuid() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS 'SELECT pg_catalog.gen_random_uuid()';
CREATE FUNCTION gen_random_bytes(integer) RETURNS bytea LANGUAGE sql VOLATILE STRICT AS 'SELECT pg_catalog.convert_to(pg_catalog.repeat(''0'', $1), ''UTF8'')';
CREATE FUNCTION gen_salt(text) RETURNS text LANGUAGE sql VOLATILE STRICT AS 'SELECT $1';
CREATE FUNCTION gen_salt(text, integer) RETURNS text LANGUAGE sql VOLATILE STRICT AS 'SELECT $1';
CREATE FUNCTION crypt(text, text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.md5($1)';
CREATE FUNCTION digest(text, text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.sha256(pg_catalog.convert_to($1, ''UTF8''))';
CREATE FUNCTION digest(bytea, text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.sha256($1)';
CREATE FUNCTION hmac(text, text, text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.sha256(pg_catalog.convert_to($1, ''UTF8''))';
CREATE FUNCTION hmac(bytea, bytea, text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.sha256($1)';
CREATE FUNCTION encrypt(bytea, bytea, text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1';
CREATE FUNCTION decrypt(bytea, bytea, text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1';
CREATE FUNCTION pgp_sym_encrypt(text, text) RETURNS bytea LANGUAGE sql VOLATILE STRICT AS 'SELECT pg_catalog.convert_to($1, ''UTF8'')';
CREATE FUNCTION pgp_sym_encrypt(text, text, text) RETURNS bytea LANGUAGE sql VOLATILE STRICT AS 'SELECT pg_catalog.convert_to($1, ''UTF8'')';
CREATE FUNCTION pgp_sym_decrypt(bytea, text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.encode($1, ''escape'')';
CREATE FUNCTION pgp_sym_decrypt(bytea, text, text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.encode($1, ''escape'')';
CREATE FUNCTION armor(bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.encode($1, ''base64'')';
CREATE FUNCTION dearmor(text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.decode($1, ''base64'')';

-- extension uuid-ossp
CREATE FUNCTION uuid_nil() RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT ''00000000-0000-0000-0000-000000000000''::pg_catalog.uuid';
CREATE FUNCTION uuid_ns_dns() RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT ''6ba7b810-9dad-11d1-80b4-00c04fd430c8''::pg_catalog.uuid';
CREATE FUNCTION uuid_ns_url() RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT ''6ba7b811-9dad-11d1-80b4-00c04fd430c8''::pg_catalog.uuid';
CREATE FUNCTION uuid_ns_oid() RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT ''6ba7b812-9dad-11d1-80b4-00c04fd430c8''::pg_catalog.uuid';
CREATE FUNCTION uuid_ns_x500() RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT ''6ba7b814-9dad-11d1-80b4-00c04fd430c8''::pg_catalog.uuid';
CREATE FUNCTION uuid_generate_v1() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS 'SELECT pg_catalog.gen_random_uuid()';
CREATE FUNCTION uuid_generate_v1mc() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS 'SELECT pg_catalog.gen_random_uuid()';
CREATE FUNCTION uuid_generate_v3(namespace uuid, name text) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT pg_catalog.md5($2)::pg_catalog.uuid';
CREATE FUNCTION uuid_generate_v4() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS 'SELECT pg_catalog.gen_random_uuid()';
CREATE FUNCTION uuid_generate_v5(namespace uuid, name text) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT pg_catalog.md5($2)::pg_catalog.uuid';

-- extension pg_uuidv7
CREATE FUNCTION uuid_generate_v7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS 'SELECT pg_catalog.gen_random_uuid()';

-- extension postgis superuser
-- Type modifiers, as in geometry(Point,4326), are accepted and forgotten.
CREATE TYPE geometry;
CREATE FUNCTION geometry_in(cstring) RETURNS geometry LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textin';
CREATE FUNCTION geometry_out(geometry) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textout';
CREATE FUNCTION geometry_typmod_in(cstring[]) RETURNS integer LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'array_ndims';
CREATE FUNCTION geometry_typmod_out(integer) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'varchartypmodout';
CREATE TYPE geometry (INPUT = geometry_in, OUTPUT = geometry_out, TYPMOD_IN = geometry_typmod_in, TYPMOD_OUT = geometry_typmod_out, STORAGE = extended);
CREATE TYPE geography;
CREATE FUNCTION geography_in(cstring) RETURNS geography LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textin';
CREATE FUNCTION geography_out(geography) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textout';
CREATE TYPE geography (INPUT = geography_in, OUTPUT = geography_out, TYPMOD_IN = geometry_typmod_in, TYPMOD_OUT = geometry_typmod_out, STORAGE = extended);
CREATE DOMAIN box2d AS pg_catalog.text;
CREATE DOMAIN box3d AS pg_catalog.text;
CREATE DOMAIN raster AS pg_catalog.text;
CREATE TABLE spatial_ref_sys (srid pg_catalog.int4 PRIMARY KEY, auth_name pg_catalog.varchar(256), auth_srid pg_catalog.int4, srtext pg_catalog.varchar(2048), proj4text pg_catalog.varchar(2048));
CREATE FUNCTION st_makepoint(double precision, double precision) RETURNS geometry LANGUAGE sql IMMUTABLE STRICT AS 'SELECT NULL::@extschema@.geometry';
CREATE FUNCTION st_setsrid(geometry, integer) RETURNS geometry LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1';
CREATE FUNCTION st_x(geometry) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS 'SELECT 0::pg_catalog.float8';
CREATE FUNCTION st_y(geometry) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS 'SELECT 0::pg_catalog.float8';
CREATE FUNCTION st_transform(geometry, integer) RETURNS geometry LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1';
CREATE FUNCTION st_distance(geometry, geometry) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS 'SELECT 0::pg_catalog.float8';
CREATE FUNCTION st_dwithin(geometry, geometry, double precision) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT false';
CREATE FUNCTION st_intersects(geometry, geometry) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT false';
CREATE FUNCTION st_contains(geometry, geometry) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT false';
CREATE FUNCTION st_area(geometry) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS 'SELECT 0::pg_catalog.float8';
CREATE FUNCTION st_length(geometry) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS 'SELECT 0::pg_catalog.float8';
CREATE FUNCTION st_srid(geometry) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS 'SELECT 0';
CREATE FUNCTION st_astext(geometry) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT NULL::pg_catalog.text';
CREATE FUNCTION st_asgeojson(geometry) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT NULL::pg_catalog.text';
CREATE FUNCTION st_geomfromtext(text, integer) RETURNS geometry LANGUAGE sql IMMUTABLE STRICT AS 'SELECT NULL::@extschema@.geometry';

-- extension timescaledb
CREATE FUNCTION create_hypertable(relation regclass, time_column_name name, chunk_time_interval interval DEFAULT NULL, if_not_exists boolean DEFAULT false, migrate_data boolean DEFAULT false) RETURNS text LANGUAGE sql VOLATILE AS 'SELECT $1::pg_catalog.text';
CREATE FUNCTION time_bucket(interval, timestamp with time zone) RETURNS timestamp with time zone LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $2';
CREATE FUNCTION time_bucket(interval, timestamp without time zone) RETURNS timestamp without time zone LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $2';

-- extension ulid
CREATE DOMAIN ulid AS pg_catalog.text;
CREATE FUNCTION gen_ulid() RETURNS ulid LANGUAGE sql VOLATILE AS 'SELECT pg_catalog.gen_random_uuid()::pg_catalog.text';

-- extension supabase_auth superuser
CREATE SCHEMA auth;
CREATE TABLE auth.users (id uuid PRIMARY KEY, email text, phone text UNIQUE, created_at timestamptz, raw_app_meta_data jsonb, raw_user_meta_data jsonb);
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT NULL::pg_catalog.uuid';
CREATE FUNCTION auth.role() RETURNS text LANGUAGE sql STABLE AS 'SELECT NULL::pg_catalog.text';
CREATE FUNCTION auth.email() RETURNS text LANGUAGE sql STABLE AS 'SELECT NULL::pg_catalog.text';
CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE AS 'SELECT NULL::pg_catalog.jsonb';
GRANT USAGE ON SCHEMA auth TO PUBLIC;
GRANT SELECT, REFERENCES ON auth.users TO PUBLIC;
