-- Facts about a PostgreSQL database (11 to 18) for backend-architect: one statement, one row, one
-- column of JSON. Save the answer to a file and give it to the database tools as `facts`:
--     psql -XAt -f facts_postgres.sql "$DATABASE_URL" > facts.json
--
-- Reads: system catalogs and statistics views. Any role may run it; a member of pg_monitor sees
-- more (other roles' transactions, slots, statements), and column statistics need SELECT on the
-- table. What the role cannot see is absent from the answer.
-- Returns names (of schemas, tables, columns, indexes, constraints, sequences, extensions, slots),
-- sizes, counters, ages and settings. Never reads rows of your tables, values in statistics
-- (most_common_vals, histogram_bounds), comments, defaults, bodies of functions, host, user or
-- application names; never returns texts of running queries. Of pg_stat_statements it returns only
-- SELECT, INSERT, UPDATE, DELETE, MERGE and WITH in which every constant is already a placeholder,
-- without their comments.
--
-- Takes no lock on a table, so it neither waits for nor blocks anyone; a sequence is locked as by
-- nextval. Sizes are those of the last VACUUM or ANALYZE: true ones would need a lock each.
SELECT jsonb_build_object(
  'format', 1,
  'engine', 'postgres',
  'version', current_setting('server_version_num')::int / 10000,
  'version_number', current_setting('server_version_num')::int,
  'taken_at', now(),
  'uptime_seconds', round(extract(epoch FROM now() - pg_postmaster_start_time())::numeric),
  -- Counters start anew at a reset, or (15 and later, where the database then has no time of its
  -- own) when the server was created or crashed, as those of the archiver and the writer do.
  'statistics_seconds', (
    SELECT round(extract(epoch FROM now() - coalesce(
      d.stats_reset,
      least((SELECT stats_reset FROM pg_stat_bgwriter), (SELECT stats_reset FROM pg_stat_archiver))
    ))::numeric)
    FROM pg_stat_database d WHERE d.datname = current_database()),
  'standby', pg_is_in_recovery(),
  'monitor', pg_has_role('pg_monitor', 'usage'),
  'provider', CASE
    WHEN EXISTS (SELECT FROM pg_proc WHERE proname = 'aurora_version') THEN 'aurora'
    WHEN EXISTS (SELECT FROM pg_settings WHERE name LIKE 'rds.%') THEN 'rds'
    WHEN EXISTS (SELECT FROM pg_settings WHERE name LIKE 'alloydb.%') THEN 'alloydb'
    WHEN EXISTS (SELECT FROM pg_settings WHERE name LIKE 'cloudsql.%') THEN 'cloudsql'
    WHEN EXISTS (SELECT FROM pg_settings WHERE name LIKE 'azure.%') THEN 'azure'
    WHEN EXISTS (SELECT FROM pg_settings WHERE name LIKE 'neon.%') THEN 'neon'
    WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = 'supabase_admin') THEN 'supabase'
  END,
  'extensions', (SELECT jsonb_object_agg(extname, extversion) FROM pg_extension),
  'settings', (
    SELECT jsonb_object_agg(name, current_setting(name)) FROM pg_settings
    WHERE name LIKE 'autovacuum%' OR name LIKE 'vacuum%age'
      OR name IN (
        'block_size', 'checkpoint_timeout', 'data_checksums', 'deadlock_timeout',
        'default_statistics_target', 'default_toast_compression', 'default_transaction_isolation',
        'default_transaction_read_only', 'effective_cache_size', 'effective_io_concurrency', 'fsync',
        'full_page_writes', 'hot_standby_feedback', 'idle_in_transaction_session_timeout',
        'idle_session_timeout', 'jit', 'lc_collate', 'lc_ctype', 'lock_timeout',
        'log_lock_waits', 'maintenance_work_mem', 'max_connections', 'max_locks_per_transaction',
        'max_parallel_maintenance_workers', 'max_parallel_workers',
        'max_parallel_workers_per_gather', 'max_prepared_transactions', 'max_replication_slots',
        'max_slot_wal_keep_size', 'max_standby_archive_delay', 'max_standby_streaming_delay',
        'max_wal_senders', 'max_wal_size', 'max_worker_processes', 'min_wal_size',
        'random_page_cost', 'seq_page_cost', 'server_encoding', 'server_version', 'shared_buffers',
        'standard_conforming_strings', 'statement_timeout', 'synchronous_commit', 'temp_file_limit',
        'TimeZone', 'track_counts', 'track_io_timing', 'transaction_timeout', 'wal_compression',
        'wal_keep_segments', 'wal_keep_size', 'wal_level', 'work_mem')),
  'database', (
    SELECT jsonb_build_object(
      'bytes', CASE WHEN has_database_privilege(d.oid, 'connect') THEN pg_database_size(d.oid) END,
      'encoding', pg_encoding_to_char(d.encoding),
      'collation', d.datcollate,
      'ctype', d.datctype,
      'collation_provider', coalesce(to_jsonb(d) ->> 'datlocprovider', 'c'),
      'locale', coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'),
      'xid_age', age(d.datfrozenxid),
      'multixact_age', mxid_age(d.datminmxid),
      'commits', s.xact_commit,
      'rollbacks', s.xact_rollback,
      'deadlocks', s.deadlocks,
      'temp_bytes', s.temp_bytes,
      'blocks_read', s.blks_read,
      'blocks_hit', s.blks_hit)
    FROM pg_database d LEFT JOIN pg_stat_database s ON s.datid = d.oid
    WHERE d.datname = current_database()),
  'tables', (
    SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
      'schema', n.nspname,
      'name', c.relname,
      'kind', CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned'
                             WHEN 'm' THEN 'materialized view' ELSE 'foreign' END,
      'unlogged', CASE WHEN c.relpersistence = 'u' THEN true END,
      'parents', parents.names,
      'rows', CASE WHEN c.reltuples > 0 OR c.reltuples = 0 AND c.relpages > 0 THEN c.reltuples::bigint
                   WHEN c.relkind IN ('r', 'm') THEN pg_stat_get_live_tuples(c.oid) END,
      'bytes', c.relpages * block.size,
      'toast_bytes', toast.pages * block.size,
      'index_bytes', indexes.pages * block.size,
      'inserted', pg_stat_get_tuples_inserted(c.oid),
      'updated', pg_stat_get_tuples_updated(c.oid),
      'updated_hot', pg_stat_get_tuples_hot_updated(c.oid),
      'deleted', pg_stat_get_tuples_deleted(c.oid),
      'dead_rows', pg_stat_get_dead_tuples(c.oid),
      'sequential_scans', pg_stat_get_numscans(c.oid),
      'sequential_rows', pg_stat_get_tuples_returned(c.oid),
      'index_scans', indexes.scans,
      'vacuumed_seconds_ago', round(extract(epoch FROM now() - greatest(
        pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid)))::numeric),
      'analyzed_seconds_ago', round(extract(epoch FROM now() - greatest(
        pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid)))::numeric),
      'xid_age', CASE WHEN c.relfrozenxid <> '0' THEN age(c.relfrozenxid) END,
      'multixact_age', CASE WHEN c.relminmxid <> '0' THEN mxid_age(c.relminmxid) END,
      'columns', columns.statistics)))
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN (SELECT current_setting('block_size')::bigint AS size) block
    LEFT JOIN (
      SELECT i.inhrelid, jsonb_agg(jsonb_build_array(pn.nspname, p.relname) ORDER BY i.inhseqno)
        AS names
      FROM pg_inherits i
      JOIN pg_class p ON p.oid = i.inhparent
      JOIN pg_namespace pn ON pn.oid = p.relnamespace
      GROUP BY i.inhrelid
    ) parents ON parents.inhrelid = c.oid
    LEFT JOIN (
      SELECT i.indrelid, sum(ic.relpages)::bigint AS pages, sum(pg_stat_get_numscans(ic.oid))::bigint
        AS scans
      FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
      GROUP BY i.indrelid
    ) indexes ON indexes.indrelid = c.oid
    LEFT JOIN (
      SELECT t.oid, t.relpages + sum(ic.relpages)::bigint AS pages
      FROM pg_class t
      JOIN pg_index i ON i.indrelid = t.oid
      JOIN pg_class ic ON ic.oid = i.indexrelid
      WHERE t.relkind = 't'
      GROUP BY t.oid, t.relpages
    ) toast ON toast.oid = c.reltoastrelid
    LEFT JOIN (
      -- name: [share of NULLs, distinct values (negative: share of rows), mean bytes, correlation]
      SELECT s.schemaname, s.tablename, jsonb_object_agg(s.attname, jsonb_build_array(
        round(s.null_frac::numeric, 4), round(s.n_distinct::numeric, 4), s.avg_width,
        round(s.correlation::numeric, 3)) ORDER BY s.inherited DESC) AS statistics
      FROM pg_stats s
      GROUP BY s.schemaname, s.tablename
    ) columns ON columns.schemaname = n.nspname AND columns.tablename = c.relname
    WHERE c.relkind IN ('r', 'p', 'm', 'f') AND c.relpersistence <> 't'
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'),
  'indexes', (
    SELECT jsonb_agg(jsonb_build_object(
      'schema', n.nspname,
      'table', t.relname,
      'name', c.relname,
      'valid', i.indisvalid,
      'ready', i.indisready,
      'unique', i.indisunique,
      'primary', i.indisprimary,
      'bytes', c.relpages * current_setting('block_size')::bigint,
      'scans', s.idx_scan,
      'used_seconds_ago', round(extract(epoch FROM
        now() - (to_jsonb(s) ->> 'last_idx_scan')::timestamptz)::numeric)))
    FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_class t ON t.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = t.relnamespace
    LEFT JOIN pg_stat_all_indexes s ON s.indexrelid = i.indexrelid
    WHERE t.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'),
  'unvalidated_constraints', (
    SELECT jsonb_agg(jsonb_build_object(
      'schema', n.nspname, 'table', t.relname, 'name', k.conname,
      'kind', CASE k.contype WHEN 'f' THEN 'foreign key' WHEN 'c' THEN 'check'
                             WHEN 'n' THEN 'not null' ELSE k.contype::text END))
    FROM pg_constraint k
    JOIN pg_class t ON t.oid = k.conrelid
    JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE NOT k.convalidated AND n.nspname !~ '^pg_'),
  'sequences', (
    SELECT jsonb_agg(jsonb_build_object(
      'schema', n.nspname,
      'name', c.relname,
      'type', format_type(s.seqtypid, NULL),
      'last', CASE WHEN has_sequence_privilege(c.oid, 'select,usage')
                   THEN pg_sequence_last_value(c.oid) END,
      'max', s.seqmax,
      'min', s.seqmin,
      'increment', s.seqincrement,
      'cycle', s.seqcycle,
      'owned_by', (
        SELECT jsonb_build_array(tn.nspname, t.relname, a.attname)
        FROM pg_depend d
        JOIN pg_class t ON t.oid = d.refobjid
        JOIN pg_namespace tn ON tn.oid = t.relnamespace
        JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
          AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
        LIMIT 1)))
    FROM pg_sequence s
    JOIN pg_class c ON c.oid = s.seqrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relpersistence = 'p' AND n.nspname !~ '^pg_'),
  'transactions', (
    SELECT jsonb_agg(jsonb_build_object(
      'seconds', round(extract(epoch FROM clock_timestamp() - a.xact_start)::numeric),
      'state', a.state,
      'kind', a.backend_type,
      'holds_back_vacuum', a.backend_xmin IS NOT NULL,
      'same_database', a.datname = current_database()))
    FROM (
      SELECT * FROM pg_stat_activity
      WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid()
        AND xact_start < now() - interval '1 second'
      ORDER BY xact_start LIMIT 20
    ) a),
  'connections', (
    SELECT jsonb_build_object(
      'total', count(*),
      'active', count(*) FILTER (WHERE state = 'active'),
      'idle_in_transaction', count(*) FILTER (WHERE state LIKE 'idle in transaction%'),
      'hidden', count(*) FILTER (WHERE query = '<insufficient privilege>'))
    FROM pg_stat_activity
    WHERE datname IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend'
      AND pid <> pg_backend_pid()),
  'prepared_transactions', (
    SELECT jsonb_agg(jsonb_build_object(
      'seconds', round(extract(epoch FROM now() - prepared)::numeric),
      'same_database', database = current_database()))
    FROM pg_prepared_xacts),
  'slots', (
    SELECT jsonb_agg(jsonb_build_object(
      'name', slot_name,
      'kind', slot_type,
      'active', active,
      'retained_bytes', greatest(0, pg_wal_lsn_diff(
        CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
        restart_lsn)),
      'xmin_age', greatest(age(xmin), age(catalog_xmin)),
      'wal_status', to_jsonb(r) ->> 'wal_status',
      'invalidated', to_jsonb(r) ->> 'invalidation_reason'))
    FROM pg_replication_slots r),
  'standbys', (
    SELECT jsonb_agg(jsonb_build_object(
      'state', state,
      'sync', sync_state,
      'lag_seconds', round(extract(epoch FROM replay_lag)::numeric, 3),
      'lag_bytes', pg_wal_lsn_diff(sent_lsn, replay_lsn),
      'logical', EXISTS (SELECT FROM pg_replication_slots l
                         WHERE l.active_pid = r.pid AND l.slot_type = 'logical')))
    FROM pg_stat_replication r),
  -- The view may not exist, so it is named in a text only. ts_stat is what runs a text inside a
  -- query on every version and build (query_to_xml needs libxml): JSON goes through it in numbered
  -- pieces, as lexemes of less than 2 kB.
  'statements', CASE
    WHEN EXISTS (SELECT FROM pg_settings WHERE name = 'pg_stat_statements.max')
      AND EXISTS (
        SELECT FROM pg_extension e
        JOIN pg_class v ON v.relnamespace = e.extnamespace AND v.relname = 'pg_stat_statements'
        WHERE e.extname = 'pg_stat_statements' AND has_schema_privilege(e.extnamespace, 'usage')
          AND has_table_privilege(v.oid, 'select'))
    THEN (
      SELECT string_agg(substr(word, 7), '' ORDER BY word COLLATE "C")
      FROM ts_stat((
        SELECT format($statements$
          SELECT array_to_tsvector(array_agg(to_char(i, 'FM000000') || substr(answer, i * 400 + 1, 400)))
          FROM (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
              'text', text, 'calls', calls, 'rows', rows, 'milliseconds', round(ms::numeric))
              ORDER BY ms DESC), '[]')::text AS answer
            FROM (
              SELECT left(text, 2000) AS text, sum(calls) AS calls, sum(rows) AS rows, sum(ms) AS ms
              FROM (
                SELECT calls, rows, ms,
                  btrim(regexp_replace(regexp_replace(left(query, 8000),
                    $re$/\*.*?\*/$re$, ' ', 'g'), $re$--[^\n]*$re$, ' ', 'g'), E' \n\r\t') AS text
                FROM (
                  SELECT s.query, s.calls, s.rows, (coalesce(to_jsonb(s) ->> 'total_exec_time',
                                                             to_jsonb(s) ->> 'total_time'))::float8 AS ms
                  FROM %1$I.pg_stat_statements s
                  WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
                  ORDER BY ms DESC LIMIT 500
                ) costliest
              ) cleaned
              WHERE text ~* $re$^[\s(]*(select|insert|update|delete|merge|with)\M$re$
                AND text !~ $re$['\\]|/\*|\*/|\$[^0-9\s]*\$$re$
                -- no number but in GROUP BY 1, ORDER BY 1 and types such as numeric(10,2)
                AND regexp_replace(regexp_replace(text,
                  $re$\mby\s+[0-9]+(\s+(asc|desc))?(\s*,\s*[0-9]+(\s+(asc|desc))?)*$re$, 'by', 'gi'),
                  $re$(::|\mas)\s*[a-z ]+\([0-9]+(\s*,\s*[0-9]+)?\)$re$, 'as', 'gi')
                  !~ '(^|[^A-Za-z0-9_$"])[0-9]'
              GROUP BY left(text, 2000)
              ORDER BY sum(ms) DESC LIMIT 50
            ) top
          ) whole, generate_series(0, length(answer) / 400) i
          WHERE substr(answer, i * 400 + 1, 400) <> ''
        $statements$, n.nspname)
        FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
        WHERE e.extname = 'pg_stat_statements'))
    )::jsonb END
) AS facts;
