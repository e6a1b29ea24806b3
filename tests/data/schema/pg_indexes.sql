-- CREATE INDEX clause by clause, ALTER INDEX, clustering, replica identity, statistics.
CREATE TABLE documents (
    id bigint NOT NULL,
    title text NOT NULL,
    lang varchar(8),
    body text,
    tags text[],
    data jsonb,
    score double precision,
    place point,
    during tstzrange,
    created timestamptz,
    deleted_at timestamptz,
    search tsvector,
    address inet
);
CREATE INDEX ON documents (title);
CREATE INDEX ON documents (title);
CREATE INDEX ON documents (title, lang);
CREATE INDEX ON documents (lower(title));
CREATE INDEX ON documents (lower(title), upper(lang));
CREATE INDEX ON documents ((score * 2));
CREATE INDEX ON documents ((data ->> 'name'), (data -> 'a' ->> 'b'));
CREATE INDEX ON documents ((body || title), title);
CREATE INDEX ordered ON documents (created DESC, score ASC NULLS FIRST, title DESC NULLS LAST, lang);
CREATE INDEX classes ON documents (title text_pattern_ops, lang varchar_pattern_ops DESC);
CREATE INDEX collated ON documents (title COLLATE "C", lower(lang) COLLATE "POSIX" text_pattern_ops);
CREATE INDEX by_gin ON documents USING gin (tags);
CREATE INDEX by_path ON documents USING gin (data jsonb_path_ops) WITH (fastupdate = off);
CREATE INDEX by_tsv ON documents USING gist (search tsvector_ops (siglen = 100));
CREATE INDEX by_place ON documents USING gist (place);
CREATE INDEX by_place_too ON documents USING spgist (place kd_point_ops);
CREATE INDEX by_address ON documents USING gist (address inet_ops);
CREATE INDEX by_hash ON documents USING hash (title) WITH (fillfactor = 50);
CREATE INDEX by_brin ON documents USING brin (created, id) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX by_bloom ON documents USING brin (title text_bloom_ops (n_distinct_per_range = 100));
CREATE INDEX live ON documents (id) WHERE deleted_at IS NULL;
CREATE INDEX some_langs ON documents (title) WHERE lang IN ('de', 'en') AND score > 0.5;
CREATE INDEX covering ON documents (lang) INCLUDE (title, score);
CREATE UNIQUE INDEX one_each ON documents (lang, title) NULLS NOT DISTINCT WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX documents_key ON documents (id) WITH (fillfactor = 90, deduplicate_items = off);
CREATE INDEX expressions ON documents (
    coalesce(lang, 'en'), date_trunc('day', created AT TIME ZONE 'UTC'), ((score)::integer),
    (title IS NULL), (CASE WHEN score > 1 THEN 'high' ELSE 'low' END)
);
CREATE INDEX casted ON documents (((data ->> 'n')::integer), ((data ->> 'at')::text) DESC);
CREATE INDEX CONCURRENTLY IF NOT EXISTS later ON documents (created);
CREATE INDEX IF NOT EXISTS later ON documents (title);
CREATE INDEX english ON documents USING gin (to_tsvector('english', title || ' ' || body));
CREATE INDEX to_rename ON documents (score);
CREATE INDEX to_drop ON documents (score);
ALTER INDEX to_rename RENAME TO renamed;
ALTER INDEX renamed SET (fillfactor = 66);
ALTER INDEX by_hash RESET (fillfactor);
DROP INDEX to_drop;
COMMENT ON INDEX renamed IS 'had another name';

ALTER TABLE documents ADD CONSTRAINT documents_pkey PRIMARY KEY USING INDEX documents_key;
CREATE UNIQUE INDEX title_once ON documents (title);
ALTER TABLE documents ADD UNIQUE USING INDEX title_once;
CREATE UNIQUE INDEX for_identity ON documents (id, title);
ALTER TABLE documents REPLICA IDENTITY USING INDEX for_identity;
ALTER TABLE documents CLUSTER ON ordered;
CREATE STATISTICS lang_score (dependencies, mcv) ON lang, score FROM documents;
CREATE STATISTICS on_expression ON lower(title), (score * 2) FROM documents;

CREATE TABLE full_identity (a integer);
ALTER TABLE full_identity REPLICA IDENTITY FULL;
CREATE TABLE no_identity (a integer PRIMARY KEY);
ALTER TABLE no_identity REPLICA IDENTITY NOTHING;
CLUSTER no_identity USING no_identity_pkey;
CREATE MATERIALIZED VIEW counted AS SELECT lang, count(*) AS n FROM documents GROUP BY lang;
CREATE UNIQUE INDEX ON counted (lang);
CREATE INDEX ON counted ((n + 1));
