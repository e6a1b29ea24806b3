-- CREATE TYPE, CREATE DOMAIN, CREATE SEQUENCE and what changes them.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s fine');
CREATE TYPE empty_enum AS ENUM ();
ALTER TYPE mood ADD VALUE 'happy';
ALTER TYPE mood ADD VALUE IF NOT EXISTS 'happy';
ALTER TYPE mood ADD VALUE 'meh' BEFORE 'ok';
ALTER TYPE mood ADD VALUE 'glad' AFTER 'ok';
ALTER TYPE mood RENAME VALUE 'sad' TO 'unhappy';
COMMENT ON TYPE mood IS 'how it feels';
CREATE TYPE old_name AS ENUM ('a', 'b');
ALTER TYPE old_name RENAME TO new_name;
CREATE TYPE dropped AS ENUM ('x');
DROP TYPE dropped;

CREATE TYPE address AS (street text, city varchar(80) COLLATE "C", zip character(5), moods mood[]);
ALTER TYPE address ADD ATTRIBUTE country text;
ALTER TYPE address RENAME ATTRIBUTE zip TO postcode;
ALTER TYPE address ALTER ATTRIBUTE city TYPE text;
ALTER TYPE address DROP ATTRIBUTE country;
COMMENT ON COLUMN address.street IS 'with number';
COMMENT ON TYPE address IS 'where';

CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN email AS varchar(254) COLLATE "C" DEFAULT 'nobody@example.com' NOT NULL
    CONSTRAINT looks_right CHECK (VALUE ~ '^[^@]+@[^@]+$') CHECK (length(VALUE) > 3);
CREATE DOMAIN code AS text CONSTRAINT code_present NOT NULL;
CREATE DOMAIN scores AS integer[] CHECK (cardinality(VALUE) <= 10);
ALTER DOMAIN code SET DEFAULT 'none';
ALTER DOMAIN code DROP NOT NULL;
ALTER DOMAIN code ADD CONSTRAINT code_short CHECK (char_length(VALUE) < 9) NOT VALID;
ALTER DOMAIN positive RENAME CONSTRAINT positive_check TO above_zero;
ALTER DOMAIN positive SET NOT NULL;
ALTER DOMAIN email DROP CONSTRAINT email_check;
ALTER DOMAIN code VALIDATE CONSTRAINT code_short;
COMMENT ON DOMAIN positive IS 'above zero';
CREATE DOMAIN stricter AS positive CHECK (VALUE < 100);

CREATE TYPE float_range AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE TYPE text_range AS RANGE (
    subtype = text, collation = "C", multirange_type_name = text_spans
);
CREATE TYPE pattern_range AS RANGE (subtype = text, subtype_opclass = text_pattern_ops);

CREATE SEQUENCE plain_sequence;
CREATE SEQUENCE full_sequence AS integer INCREMENT BY 10 MINVALUE 5 MAXVALUE 1000 START WITH 15
    CACHE 3 CYCLE;
CREATE SEQUENCE backwards INCREMENT -2;
CREATE SEQUENCE tiny AS smallint NO MINVALUE NO MAXVALUE NO CYCLE;
CREATE UNLOGGED SEQUENCE quick;
CREATE SEQUENCE IF NOT EXISTS plain_sequence START 9;
ALTER SEQUENCE plain_sequence MAXVALUE 500 RESTART WITH 20 CYCLE;
ALTER SEQUENCE tiny AS bigint;
ALTER SEQUENCE backwards RENAME TO countdown;
COMMENT ON SEQUENCE countdown IS 'goes down';

CREATE TABLE uses (
    id integer DEFAULT nextval('plain_sequence') PRIMARY KEY,
    other bigint DEFAULT nextval('full_sequence'::regclass),
    feeling mood DEFAULT 'ok' NOT NULL,
    feelings mood[] DEFAULT '{ok,glad}'::mood[],
    home address,
    homes address[],
    contact email,
    amount positive DEFAULT 1,
    span float_range,
    spans text_spans,
    CHECK (feeling <> 'meh'::mood),
    CHECK ((home).street IS NOT NULL)
);
ALTER SEQUENCE full_sequence OWNED BY uses.other;
CREATE TABLE owned (n integer);
CREATE SEQUENCE owned_by_n OWNED BY owned.n;
ALTER SEQUENCE owned_by_n OWNED BY NONE;

CREATE FUNCTION to_mood(integer) RETURNS mood LANGUAGE sql IMMUTABLE
    AS $$ SELECT 'ok'::mood $$;
CREATE CAST (integer AS mood) WITH FUNCTION to_mood(integer) AS ASSIGNMENT;
CREATE COLLATION german (locale = 'C');
CREATE FUNCTION add_lengths(integer, text) RETURNS integer LANGUAGE sql IMMUTABLE
    AS 'SELECT $1 + length($2)';
CREATE AGGREGATE total_length(text) (SFUNC = add_lengths, STYPE = integer, INITCOND = '0');
CREATE FUNCTION about(numeric, numeric) RETURNS boolean LANGUAGE sql IMMUTABLE
    AS 'SELECT abs($1 - $2) < 0.1';
CREATE OPERATOR ~~~ (LEFTARG = numeric, RIGHTARG = numeric, FUNCTION = about, COMMUTATOR = ~~~);
CREATE TEXT SEARCH DICTIONARY short_words (TEMPLATE = simple, STOPWORDS = english);
CREATE TEXT SEARCH CONFIGURATION mine (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION mine ALTER MAPPING FOR asciiword WITH short_words;
