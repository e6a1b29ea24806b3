-- Partitioning of every strategy, attaching, detaching, keys and indexes on all levels; inheritance.
CREATE TABLE owners (id integer PRIMARY KEY);
CREATE TABLE events (
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT now(),
    kind text NOT NULL,
    owner_id integer REFERENCES owners,
    size integer CHECK (size > 0),
    PRIMARY KEY (id, at),
    CONSTRAINT kind_known CHECK (kind <> '')
) PARTITION BY RANGE (at);
CREATE INDEX ON events (owner_id);
CREATE INDEX events_by_kind ON events (lower(kind)) WHERE size IS NOT NULL;
CREATE TABLE events_2023 PARTITION OF events FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE events_2024 PARTITION OF events (
    size DEFAULT 5,
    CONSTRAINT small CHECK (size < 1000)
) FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') WITH (fillfactor = 70);
CREATE TABLE events_old PARTITION OF events FOR VALUES FROM (MINVALUE) TO ('2023-01-01');
CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE UNIQUE INDEX events_unique ON events (kind, at);
ALTER TABLE events ADD COLUMN note text DEFAULT 'none' NOT NULL;
ALTER TABLE events ADD CONSTRAINT note_short CHECK (length(note) < 100);
CREATE INDEX events_2023_only ON events_2023 (size);

CREATE TABLE regions (
    country text,
    city text NOT NULL,
    population integer
) PARTITION BY LIST (country);
CREATE TABLE regions_eu PARTITION OF regions FOR VALUES IN ('de', 'fr', 'it')
    PARTITION BY HASH (city);
CREATE TABLE regions_eu_0 PARTITION OF regions_eu FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE regions_eu_1 PARTITION OF regions_eu FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE regions_none PARTITION OF regions FOR VALUES IN (NULL);
ALTER TABLE regions ADD UNIQUE (country, city);
CREATE INDEX ON regions (population DESC);

CREATE TABLE measures (
    sensor integer NOT NULL,
    day date NOT NULL,
    value numeric
) PARTITION BY RANGE (sensor, day);
CREATE TABLE measures_1 (sensor integer NOT NULL, day date NOT NULL, value numeric);
ALTER TABLE measures ATTACH PARTITION measures_1 FOR VALUES FROM (1, '2020-01-01') TO (1, MAXVALUE);
CREATE TABLE measures_2 (LIKE measures INCLUDING ALL);
ALTER TABLE measures_2 ADD PRIMARY KEY (sensor, day);
ALTER TABLE measures ADD PRIMARY KEY (sensor, day);
ALTER TABLE measures ATTACH PARTITION measures_2 FOR VALUES FROM (2, '2020-01-01') TO (3, '2020-01-01');
CREATE TABLE measures_gone PARTITION OF measures FOR VALUES FROM (5, MINVALUE) TO (6, MINVALUE);
ALTER TABLE measures DETACH PARTITION measures_gone;

CREATE TABLE by_expression (
    name text COLLATE "C",
    born date
) PARTITION BY RANGE (lower(name) COLLATE "POSIX" text_pattern_ops, (extract(year FROM born)), born);
CREATE TABLE by_expression_default PARTITION OF by_expression DEFAULT;

CREATE TABLE attached (id integer, n integer) PARTITION BY LIST (n);
CREATE TABLE attached_1 PARTITION OF attached FOR VALUES IN (1);
CREATE TABLE attached_2 PARTITION OF attached FOR VALUES IN (2, 3);
CREATE INDEX attached_idx ON ONLY attached (id);
CREATE INDEX attached_1_own ON attached_1 (id);
ALTER INDEX attached_idx ATTACH PARTITION attached_1_own;
CREATE INDEX only_here ON ONLY attached (n, id);

-- Inheritance.
CREATE TABLE cities (
    name text NOT NULL DEFAULT 'x',
    population real CHECK (population > 0),
    altitude integer CHECK (altitude < 30000) NO INHERIT
);
CREATE TABLE named (name text, since date CONSTRAINT since_there NOT NULL);
ALTER TABLE cities ADD COLUMN mayor text;
CREATE TABLE capitals (state char(2), PRIMARY KEY (name)) INHERITS (cities);
CREATE TABLE both_of (name text NOT NULL DEFAULT 'both', extra integer) INHERITS (cities, named);
CREATE TABLE late_child (name text NOT NULL, population real, altitude integer, mayor text,
    CONSTRAINT cities_population_check CHECK (population > 0));
ALTER TABLE late_child INHERIT cities;
ALTER TABLE cities ADD CONSTRAINT mayor_named CHECK (mayor <> '');
ALTER TABLE cities ALTER COLUMN population SET DEFAULT 1;
ALTER TABLE ONLY cities ALTER COLUMN mayor SET DEFAULT 'nobody';
CREATE TABLE leaving () INHERITS (cities);
ALTER TABLE leaving NO INHERIT cities;

-- The NOT NULL constraints of a partition keep their parent's names when it gets a key of its own.
CREATE TABLE visits (id int NOT NULL, place text NOT NULL) PARTITION BY LIST (place);
CREATE TABLE visits_here PARTITION OF visits FOR VALUES IN ('here');
ALTER TABLE visits_here ADD PRIMARY KEY (place, id);
