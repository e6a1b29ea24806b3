--
-- PostgreSQL database dump
--

-- Dumped from database version 16.1

SET statement_timeout = 0;
SET lock_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: pg_trgm; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
COMMENT ON EXTENSION pg_trgm IS 'text similarity measurement and index searching based on trigrams';
CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;

CREATE SCHEMA billing;
ALTER SCHEMA billing OWNER TO app;

CREATE TYPE public.status AS ENUM (
    'draft',
    'sent'
);

CREATE FUNCTION public.stamp() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  NEW.updated_at = now();
  RETURN NEW;
END;
$$;

SET default_tablespace = '';
SET default_table_access_method = heap;

CREATE TABLE public.customers (
    id bigint NOT NULL,
    email public.citext NOT NULL,
    name character varying(255) DEFAULT ''::character varying NOT NULL,
    status public.status DEFAULT 'draft'::public.status,
    settings jsonb DEFAULT '{}'::jsonb,
    created_at timestamp(6) without time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp(6) without time zone,
    CONSTRAINT check_name CHECK ((char_length((name)::text) <= 255)),
    CONSTRAINT check_status CHECK ((status = ANY (ARRAY['draft'::public.status, 'sent'::public.status])))
);
ALTER TABLE ONLY public.customers REPLICA IDENTITY FULL;
ALTER TABLE public.customers OWNER TO app;

CREATE SEQUENCE public.customers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.customers_id_seq OWNER TO app;
ALTER SEQUENCE public.customers_id_seq OWNED BY public.customers.id;

CREATE TABLE billing.invoices (
    id integer NOT NULL,
    customer_id bigint NOT NULL,
    amount numeric(10,2) DEFAULT 0.0,
    during tstzrange,
    number text COLLATE pg_catalog."C",
    doubled numeric GENERATED ALWAYS AS ((amount * (2)::numeric)) STORED
)
WITH (fillfactor='90');

ALTER TABLE billing.invoices ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME billing.invoices_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE billing.log (
    at timestamp with time zone NOT NULL,
    line text
)
PARTITION BY RANGE (at);

CREATE TABLE billing.log_1 (
    at timestamp with time zone NOT NULL,
    line text
);

CREATE TABLE public.schema_migrations (
    version character varying NOT NULL
);

CREATE VIEW public.active AS
 SELECT c.id,
    c.email,
    count(i.id) AS invoices
   FROM (public.customers c
     LEFT JOIN billing.invoices i ON ((i.customer_id = c.id)))
  WHERE (c.status = 'sent'::public.status)
  GROUP BY c.id, c.email;

ALTER TABLE ONLY billing.log ATTACH PARTITION billing.log_1 FOR VALUES FROM ('2024-01-01 00:00:00+00') TO ('2025-01-01 00:00:00+00');
ALTER TABLE ONLY public.customers ALTER COLUMN id SET DEFAULT nextval('public.customers_id_seq'::regclass);

COPY public.customers (id, email) FROM stdin;
1	a@example.com
2	b;c@example.com
\.

SELECT pg_catalog.setval('public.customers_id_seq', 2, true);

ALTER TABLE ONLY public.customers
    ADD CONSTRAINT customers_pkey PRIMARY KEY (id);
ALTER TABLE ONLY billing.invoices
    ADD CONSTRAINT invoices_pkey PRIMARY KEY (id);
ALTER TABLE ONLY billing.invoices
    ADD CONSTRAINT no_overlap EXCLUDE USING gist (customer_id WITH =, during WITH &&);
ALTER TABLE ONLY billing.log
    ADD CONSTRAINT log_pkey PRIMARY KEY (at);
ALTER TABLE ONLY billing.log_1
    ADD CONSTRAINT log_1_pkey PRIMARY KEY (at);

CREATE INDEX customers_name_trgm ON public.customers USING gin (name public.gin_trgm_ops);
CREATE INDEX index_customers_on_lower_name ON public.customers USING btree (lower((name)::text));
CREATE INDEX index_invoices_on_customer_id ON billing.invoices USING btree (customer_id) WHERE (amount > (0)::numeric);
CREATE INDEX log_line ON ONLY billing.log USING btree (line);
CREATE INDEX log_1_line_idx ON billing.log_1 USING btree (line);
ALTER INDEX billing.log_line ATTACH PARTITION billing.log_1_line_idx;
ALTER INDEX billing.log_pkey ATTACH PARTITION billing.log_1_pkey;

CREATE TRIGGER stamp_customers BEFORE UPDATE ON public.customers FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.stamp();

ALTER TABLE ONLY billing.invoices
    ADD CONSTRAINT fk_rails_0123456789 FOREIGN KEY (customer_id) REFERENCES public.customers(id) ON DELETE CASCADE;

ALTER TABLE public.customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON public.customers FOR SELECT TO app USING ((status = 'sent'::public.status));
REVOKE USAGE ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO PUBLIC;
GRANT SELECT ON TABLE public.customers TO app;

--
-- PostgreSQL database dump complete
--

SET search_path TO "$user", public;
INSERT INTO "schema_migrations" (version) VALUES
('20240101000000');
