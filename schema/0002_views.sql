-- SPDX-License-Identifier: MIT
-- The public views: stable names and columns, for any sqlite3 shell. schema/README.md tells them column by column.

CREATE VIEW v_scan AS
SELECT s.scan_id,
       strftime('%Y-%m-%dT%H:%M:%SZ', s.started_ns / 1000000000, 'unixepoch') AS started,
       strftime('%Y-%m-%dT%H:%M:%SZ', s.finished_ns / 1000000000, 'unixepoch') AS finished,
       (SELECT group_concat(value, char(10)) FROM (SELECT value FROM scan_option AS o
         WHERE o.scan_id = s.scan_id AND o.kind = 'root' ORDER BY value)) AS roots,
       s.images, s.errors, s.complete, s.walked, s.passed_over, s.parsed, s.unchanged, s.added, s.changed, s.renamed,
       s.vanished, s.extents,
       s.table_bytes, s.started_ns, s.finished_ns
FROM scan AS s;

CREATE VIEW v_image AS
SELECT i.image_id, i.path, i.format, i.variant, i.format_basis, i.virtual_size,
       f.size AS file_size, f.disk_size, i.cluster_size,
       i.backing_name, i.backing_path, i.backing_format, b.path AS backing_image,
       (SELECT max(c.depth) FROM chain AS c WHERE c.image_id = i.image_id) AS chain_depth,
       NOT EXISTS (SELECT 1 FROM image AS o WHERE o.backing_id = i.image_id) AS is_head,
       (SELECT count(*) FROM image AS o WHERE o.backing_id = i.image_id) AS dependents,
       CASE WHEN i.state = 'ok' AND NOT i.chain_ok THEN 'broken-chain' ELSE i.state END AS state,
       CASE i.lock_state WHEN 'none' THEN 0 WHEN 'unknown' THEN NULL ELSE 1 END AS in_use,
       i.lock_state, i.encrypted, i.dirty, i.corrupt, i.truncated,
       (SELECT count(*) FROM mapping AS m WHERE m.image_id = i.image_id AND m.snapshot IS NOT NULL) AS snapshots
FROM image AS i
JOIN file AS f ON f.file_id = i.file_id
LEFT JOIN image AS b ON b.image_id = i.backing_id;

CREATE VIEW v_file AS
SELECT x.file_id, x.image_id, x.role, x.path, f.size, f.disk_size, f.dev, f.inode,
       strftime('%Y-%m-%dT%H:%M:%SZ', f.mtime_ns / 1000000000, 'unixepoch') AS mtime, f.mtime_ns
FROM image_file AS x
LEFT JOIN file AS f ON f.file_id = x.file_id;

CREATE VIEW v_snapshot AS
SELECT m.image_id, i.path, m.snapshot, m.id, m.name, m.size, m.vm_state,
       strftime('%Y-%m-%dT%H:%M:%SZ', m.date_ns / 1000000000, 'unixepoch') AS date, m.map_id
FROM mapping AS m
JOIN image AS i ON i.image_id = m.image_id
WHERE m.snapshot IS NOT NULL;

CREATE VIEW v_extent AS
SELECT i.image_id, i.path, e.start, e.length, s.name AS state, x.path AS file, e.offset
FROM image AS i
JOIN extent AS e ON e.map_id = i.map_id
JOIN extent_state AS s ON s.state = e.state
LEFT JOIN image_file AS x ON x.image_id = i.image_id AND x.number = e.file AND e.offset IS NOT NULL;

CREATE VIEW v_chain AS
SELECT c.image_id, i.path, c.depth, c.layer_id, l.path AS layer_path, c.visible_bytes, c.data_bytes
FROM chain AS c
JOIN image AS i ON i.image_id = c.image_id
JOIN image AS l ON l.image_id = c.layer_id;

-- The map of a chain; images whose chain is broken have none. Read it with `path = '...'` or `image_id = N` as a literal or a parameter: the constraint then
-- reaches the innermost query, because every step keeps both columns and partitions by them.
-- Innermost first: the places where any layer begins or ends something; the pieces between them; for each piece the
-- smallest depth that has it, else the deepest that reaches it; pieces that go on as one are joined.
CREATE VIEW v_map AS
SELECT image_id, path, start,
       lead(start, 1, size) OVER (PARTITION BY image_id, path ORDER BY start) - start AS length,
       depth, present, zero, data, compressed, base + start AS offset, filename
FROM (
    SELECT image_id, path, size, start, depth, present, zero, data, compressed, base, filename,
           depth IS NOT lag(depth) OVER before OR flags IS NOT lag(flags) OVER before
           OR base IS NOT lag(base) OVER before OR filename IS NOT lag(filename) OVER before AS fresh
    FROM (
        SELECT p.image_id, p.path, p.size, p.start, p.depth,
               coalesce(s.present, 0) AS present, coalesce(s.zero, 1) AS zero, coalesce(s.data, 0) AS data,
               coalesce(e.state = 1, 0) AS compressed,
               coalesce(s.present, 0) * 8 + coalesce(s.zero, 1) * 4 + coalesce(s.data, 0) * 2
               + coalesce(e.state = 1, 0) AS flags,
               CASE WHEN s.located THEN e.offset - e.start END AS base,
               CASE WHEN s.located AND e.offset IS NOT NULL THEN x.path END AS filename
        FROM (
            SELECT q.image_id, q.path, q.size, q.start,
                   coalesce(
                       (SELECT k.depth FROM chain AS k
                        WHERE k.image_id = q.image_id AND q.start < k.reach
                          AND (SELECT o.state <> 6 AND o.start + o.length > q.start FROM extent AS o
                               WHERE o.map_id = k.map_id AND o.start <= q.start ORDER BY o.start DESC LIMIT 1)
                        ORDER BY k.depth LIMIT 1),
                       (SELECT max(k.depth) FROM chain AS k
                        WHERE k.image_id = q.image_id AND q.start < k.reach)) AS depth
            FROM (
                SELECT image_id, path, size, at AS start,
                       lead(at) OVER (PARTITION BY image_id, path ORDER BY at) AS stop
                FROM (
                    SELECT i.image_id, i.path, i.virtual_size AS size, e.start AS at
                    FROM image AS i JOIN chain AS c ON c.image_id = i.image_id
                    JOIN extent AS e ON e.map_id = c.map_id WHERE i.chain_ok AND e.start < c.reach
                    UNION ALL
                    SELECT i.image_id, i.path, i.virtual_size, min(e.start + e.length, c.reach)
                    FROM image AS i JOIN chain AS c ON c.image_id = i.image_id
                    JOIN extent AS e ON e.map_id = c.map_id WHERE i.chain_ok AND e.start < c.reach
                    UNION ALL
                    SELECT i.image_id, i.path, i.virtual_size, c.reach
                    FROM image AS i JOIN chain AS c ON c.image_id = i.image_id WHERE i.chain_ok
                    UNION ALL
                    SELECT i.image_id, i.path, i.virtual_size, 0
                    FROM image AS i WHERE i.chain_ok AND i.virtual_size > 0
                )
            ) AS q
            WHERE q.stop > q.start
        ) AS p
        JOIN chain AS c ON c.image_id = p.image_id AND c.depth = p.depth
        LEFT JOIN extent AS e ON e.map_id = c.map_id
              AND e.start = (SELECT max(o.start) FROM extent AS o WHERE o.map_id = c.map_id AND o.start <= p.start)
              AND e.start + e.length > p.start
        LEFT JOIN extent_state AS s ON s.state = e.state
        LEFT JOIN image_file AS x ON x.image_id = c.layer_id AND x.number = e.file
    )
    WINDOW before AS (PARTITION BY image_id, path ORDER BY start)
)
WHERE fresh;

CREATE VIEW v_usage AS
SELECT i.image_id, i.path,
       i.data_bytes + i.compressed_bytes + i.encrypted_bytes + i.sparse_bytes AS data_bytes,
       i.zero_bytes + i.zero_allocated_bytes AS zero_bytes,
       i.metadata_bytes, i.leaked_bytes,
       u.visible_bytes, u.masked_bytes, u.exclusive_bytes, u.shared_bytes, u.dependents, u.descendants, u.heads
FROM image AS i
LEFT JOIN usage AS u ON u.image_id = i.image_id;

CREATE VIEW v_masked AS
SELECT m.image_id, i.path, m.start, m.length, x.path AS file, m.offset, s.name AS state
FROM masked AS m
JOIN image AS i ON i.image_id = m.image_id
JOIN extent_state AS s ON s.state = m.state
LEFT JOIN image_file AS x ON x.image_id = m.image_id AND x.number = m.file AND m.offset IS NOT NULL;

CREATE VIEW v_finding AS
SELECT f.code, f.severity, f.path, f.detail,
       (SELECT v.started FROM v_scan AS v WHERE v.scan_id >= f.first_scan ORDER BY v.scan_id LIMIT 1) AS first_seen,
       (SELECT v.started FROM v_scan AS v WHERE v.scan_id <= f.last_scan ORDER BY v.scan_id DESC LIMIT 1) AS last_seen,
       f.hides, f.first_scan, f.last_scan
FROM finding AS f
WHERE f.last_scan = (SELECT max(scan_id) FROM scan);

CREATE VIEW v_growth AS
SELECT b.path, a.scan_id AS from_scan, b.scan_id AS to_scan,
       b.disk_size - a.disk_size AS disk_delta, b.data_bytes - a.data_bytes AS data_delta
FROM history AS b
JOIN history AS a ON a.path = b.path AND a.scan_id < b.scan_id;
