-- SPDX-License-Identifier: MIT
-- The public views: stable names and columns, for any sqlite3 shell. README.md describes them column by column. They are
-- made anew when this file changes, so none has to be migrated.

-- A published scan.
CREATE VIEW v_scan AS
SELECT s.scan_id,
       strftime('%Y-%m-%dT%H:%M:%SZ', s.started_ns / 1000000000, 'unixepoch') AS started,
       strftime('%Y-%m-%dT%H:%M:%SZ', s.finished_ns / 1000000000, 'unixepoch') AS finished,
       (SELECT group_concat(value, char(10)) FROM (SELECT value FROM scan_option AS o
         WHERE o.scan_id = s.scan_id AND o.kind = 'root' ORDER BY value)) AS roots,
       s.images, s.errors, s.doubts = 0 AS complete, s.walked, s.passed_over, s.parsed, s.unchanged, s.added, s.changed, s.renamed,
       s.vanished, s.extents,
       s.table_bytes, s.started_ns, s.finished_ns
FROM scan AS s;

-- Whether anything had an image open when the latest scan ended, by QEMU's locks and by what was looked at of the host.
-- Whatever depends on that asks here.
CREATE VIEW v_in_use AS
SELECT i.image_id,
       CASE WHEN i.lock_state IN ('read', 'write') OR EXISTS (SELECT 1 FROM holder AS u WHERE u.file_id IN (
                SELECT i.file_id UNION SELECT x.file_id FROM image_file AS x WHERE x.image_id = i.image_id)) THEN 1
            WHEN i.lock_state = 'none' AND NOT EXISTS (SELECT 1 FROM holder AS u WHERE u.file_id IS NULL) THEN 0
       END AS in_use
FROM image AS i;

-- An image of the latest scan.
CREATE VIEW v_image AS
SELECT i.image_id, i.path, i.format, h.variant, i.format_basis, h.virtual_size,
       -- of all its files, each once
       (SELECT sum(f.size) FROM file AS f WHERE f.file_id IN (
            SELECT i.file_id UNION SELECT x.file_id FROM image_file AS x WHERE x.image_id = i.image_id)) AS file_size,
       (SELECT CASE WHEN NOT max(f.is_device) THEN sum(f.disk_size) END FROM file AS f WHERE f.file_id IN (
            SELECT i.file_id UNION SELECT x.file_id FROM image_file AS x WHERE x.image_id = i.image_id)) AS disk_size,
       h.cluster_size,
       h.backing_name, i.backing_path, h.backing_format, b.path AS backing_image,
       (SELECT max(c.depth) - p.depth FROM chain_place AS p JOIN chain AS c ON c.image_id = p.top_id
        WHERE p.image_id = i.image_id) AS chain_depth,
       NOT EXISTS (SELECT 1 FROM image AS o WHERE o.backing_id = i.image_id) AS is_head,
       (SELECT count(*) FROM image AS o WHERE o.backing_id = i.image_id) AS dependents,
       CASE WHEN i.state = 'ok' AND NOT i.chain_ok THEN 'broken-chain' ELSE i.state END AS state,
       (SELECT u.in_use FROM v_in_use AS u WHERE u.image_id = i.image_id) AS in_use,
       i.lock_state, h.encrypted, h.dirty, h.corrupt, h.truncated,
       (SELECT count(*) FROM mapping AS m WHERE m.image_id = i.image_id AND m.snapshot IS NOT NULL) AS snapshots,
       (SELECT count(*) FROM image_file AS x WHERE x.image_id = i.image_id) AS files,
       h.identity, h.parent_identity, i.is_template, self.volume_id,
       strftime('%Y-%m-%dT%H:%M:%SZ', self.birth_ns / 1000000000, 'unixepoch') AS birth,
       (SELECT v.started FROM v_scan AS v WHERE v.scan_id <= coalesce(memory.seen_scan, v.scan_id)
        ORDER BY v.scan_id DESC LIMIT 1) AS last_seen
FROM image AS i
LEFT JOIN image_memory AS memory ON memory.image_id = i.image_id
LEFT JOIN file AS self ON self.file_id = i.file_id
LEFT JOIN image_header AS h ON h.image_id = i.image_id
LEFT JOIN image AS b ON b.image_id = i.backing_id;

-- A file system that images lie on, and what its images take, or could come to take.
CREATE VIEW v_volume AS
SELECT v.volume_id, v.mount, v.type, v.identity, v.is_shared AS shared, v.size, v.free,
       (SELECT count(*) FROM image AS i JOIN file AS f ON f.file_id = i.file_id WHERE f.volume_id = v.volume_id) AS images,
       d.disk_bytes, d.disk_bytes + coalesce(g.growth, 0) AS promised_bytes,
       v.device AS dev, v.is_twin AS twin, v.is_sole_host AS sole_host
FROM volume AS v
JOIN (SELECT volume_id, sum(disk_size) AS disk_bytes FROM file WHERE class IN ('image', 'part')
      GROUP BY volume_id) AS d ON d.volume_id = v.volume_id
-- What heads do not take yet of what their guests may write, where their main file lies.
LEFT JOIN (SELECT f.volume_id, sum(max(h.virtual_size - (
                      SELECT sum(o.disk_size) FROM file AS o WHERE o.file_id IN (
                          SELECT i.file_id UNION SELECT x.file_id FROM image_file AS x WHERE x.image_id = i.image_id)), 0)) AS growth
           FROM image AS i
           JOIN image_header AS h ON h.image_id = i.image_id
           JOIN file AS f ON f.file_id = i.file_id
           WHERE NOT EXISTS (SELECT 1 FROM image AS b WHERE b.backing_id = i.image_id)
           GROUP BY f.volume_id) AS g ON g.volume_id = v.volume_id;

-- A host file of an image.
CREATE VIEW v_file AS
SELECT x.file_id, x.image_id, x.role, x.path, f.size, CASE WHEN NOT f.is_device THEN f.disk_size END AS disk_size, v.device AS dev, f.inode,
       strftime('%Y-%m-%dT%H:%M:%SZ', f.mtime_ns / 1000000000, 'unixepoch') AS mtime, f.mtime_ns
FROM image_file AS x
LEFT JOIN file AS f ON f.file_id = x.file_id
LEFT JOIN volume AS v ON v.volume_id = f.volume_id;

-- An internal snapshot of an image.
CREATE VIEW v_snapshot AS
SELECT m.image_id, i.path, m.snapshot, m.id, m.name, m.size, m.vm_state,
       strftime('%Y-%m-%dT%H:%M:%SZ', m.date_ns / 1000000000, 'unixepoch') AS date, m.map_id
FROM mapping AS m
JOIN image AS i ON i.image_id = m.image_id
WHERE m.snapshot IS NOT NULL;

-- An extent of an image's active mapping.
CREATE VIEW v_extent AS
SELECT i.image_id, i.path, e.start, e.length, s.name AS state, x.path AS file, e.offset
FROM image AS i
JOIN extent AS e ON e.map_id = i.map_id
JOIN extent_state AS s ON s.state = e.state
LEFT JOIN image_file AS x ON x.image_id = i.image_id AND x.number = e.file AND e.offset IS NOT NULL;

-- The chain of every image, from the rows of the image at the top of it: internal, v_chain has it in words. What an image
-- below the top reads from a layer is what the first image on the way to that layer has a change of. Few have one: to look at the
-- changes of each layer costs what there are, to look at all images on the way to each layer the square of the chain.
CREATE VIEW v_layer AS
SELECT p.image_id, c.depth - p.depth AS depth, c.layer_id, c.map_id, c.size,
       CASE WHEN p.depth = 0 THEN c.visible_bytes WHEN (SELECT i.chain_ok FROM image AS i WHERE i.image_id = p.image_id)
            THEN (SELECT g.visible_bytes FROM chain_change AS g CROSS JOIN chain AS w INDEXED BY chain_layer ON w.layer_id = g.image_id
                  WHERE g.layer_id = c.layer_id AND w.image_id = c.image_id AND w.depth >= p.depth ORDER BY w.depth LIMIT 1) END AS visible_bytes,
       CASE WHEN p.depth = 0 THEN c.data_bytes WHEN (SELECT i.chain_ok FROM image AS i WHERE i.image_id = p.image_id)
            THEN (SELECT g.data_bytes FROM chain_change AS g CROSS JOIN chain AS w INDEXED BY chain_layer ON w.layer_id = g.image_id
                  WHERE g.layer_id = c.layer_id AND w.image_id = c.image_id AND w.depth >= p.depth ORDER BY w.depth LIMIT 1) END AS data_bytes
FROM chain_place AS p
JOIN chain AS c ON c.image_id = p.top_id AND c.depth >= p.depth;

-- An image of a chain.
CREATE VIEW v_chain AS
SELECT c.image_id, i.path, c.depth, c.layer_id, l.path AS layer_path, c.visible_bytes, c.data_bytes
FROM v_layer AS c
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
                       -- One that ends there hides those below it, and the one before it is the deepest that reaches there.
                       (SELECT k.depth - (k.size <= q.start) FROM v_layer AS k
                        WHERE k.image_id = q.image_id
                          AND (k.size <= q.start
                               OR (SELECT o.state <> 6 AND o.start + o.length > q.start FROM extent AS o
                                   WHERE o.map_id = k.map_id AND o.start <= q.start ORDER BY o.start DESC LIMIT 1))
                        ORDER BY k.depth LIMIT 1),
                       (SELECT max(k.depth) FROM v_layer AS k WHERE k.image_id = q.image_id)) AS depth
            FROM (
                SELECT image_id, path, size, at AS start,
                       lead(at) OVER (PARTITION BY image_id, path ORDER BY at) AS stop
                FROM (
                    SELECT i.image_id, i.path, h.virtual_size AS size, e.start AS at
                    FROM image AS i JOIN image_header AS h ON h.image_id = i.image_id
                    JOIN v_layer AS c ON c.image_id = i.image_id
                    JOIN extent AS e ON e.map_id = c.map_id WHERE i.chain_ok AND e.start < h.virtual_size
                    UNION ALL
                    SELECT i.image_id, i.path, h.virtual_size, min(e.start + e.length, h.virtual_size)
                    FROM image AS i JOIN image_header AS h ON h.image_id = i.image_id
                    JOIN v_layer AS c ON c.image_id = i.image_id
                    JOIN extent AS e ON e.map_id = c.map_id WHERE i.chain_ok AND e.start < h.virtual_size
                    UNION ALL
                    SELECT i.image_id, i.path, h.virtual_size, min(c.size, h.virtual_size)
                    FROM image AS i JOIN image_header AS h ON h.image_id = i.image_id
                    JOIN v_layer AS c ON c.image_id = i.image_id WHERE i.chain_ok
                    UNION ALL
                    SELECT i.image_id, i.path, h.virtual_size, 0
                    FROM image AS i JOIN image_header AS h ON h.image_id = i.image_id
                    WHERE i.chain_ok AND h.virtual_size > 0
                )
            ) AS q
            WHERE q.stop > q.start
        ) AS p
        JOIN v_layer AS c ON c.image_id = p.image_id AND c.depth = p.depth
        LEFT JOIN extent AS e ON e.map_id = c.map_id
              AND e.start = (SELECT max(o.start) FROM extent AS o WHERE o.map_id = c.map_id AND o.start <= p.start)
              AND e.start + e.length > p.start
        LEFT JOIN extent_state AS s ON s.state = e.state
        LEFT JOIN image_file AS x ON x.image_id = c.layer_id AND x.number = e.file
    )
    WINDOW before AS (PARTITION BY image_id, path ORDER BY start)
)
WHERE fresh;

-- What an image holds, and what its readers read of it. Guest bytes, except metadata_bytes and leaked_bytes.
CREATE VIEW v_usage AS
SELECT i.image_id, i.path,
       a.data_bytes + a.compressed_bytes + a.encrypted_bytes + a.sparse_bytes AS data_bytes,
       a.zero_bytes + a.zero_allocated_bytes AS zero_bytes,
       a.metadata_bytes,
       (SELECT sum(s.bytes * (s.use = 'leaked')) FROM file_space AS s WHERE s.image_id = i.image_id) AS leaked_bytes,
       u.visible_bytes, u.masked_bytes, u.exclusive_bytes, u.shared_bytes, u.dependents, u.descendants, u.heads
FROM image AS i
LEFT JOIN image_account AS a ON a.image_id = i.image_id
LEFT JOIN usage AS u ON u.image_id = i.image_id;

-- A range of a backing image that no reader reads.
CREATE VIEW v_masked AS
SELECT m.image_id, i.path, m.start, m.length, x.path AS file, m.offset, s.name AS state
FROM masked AS m
JOIN image AS i ON i.image_id = m.image_id
JOIN extent_state AS s ON s.state = m.state
LEFT JOIN image_file AS x ON x.image_id = m.image_id AND x.number = m.file AND m.offset IS NOT NULL;

-- What the bytes of an image's file are used for, with the rest of what it takes by the host's count, so that the blocks of
-- a file add up to its disk_size.
CREATE VIEW v_space AS
SELECT s.image_id, i.path, x.path AS file, s.use, s.bytes, s.disk_bytes, s.unwritten_bytes
FROM file_space AS s
JOIN image AS i ON i.image_id = s.image_id
LEFT JOIN image_file AS x ON x.image_id = s.image_id AND x.number = s.file
UNION ALL
SELECT x.image_id, i.path, x.path, 'filesystem', 0,
       CASE WHEN NOT f.is_device THEN
            f.disk_size - (SELECT sum(s.disk_bytes) FROM file_space AS s WHERE s.image_id = x.image_id AND s.file = x.number) END, NULL
FROM image_file AS x
JOIN image AS i ON i.image_id = x.image_id
JOIN file AS f ON f.file_id = x.file_id
WHERE EXISTS (SELECT 1 FROM file_space AS s WHERE s.image_id = x.image_id AND s.file = x.number);

-- The host's blocks of an image's files, by what they are for. Those that were preallocated and never written are taken out
-- of every use, as a kind of their own.
CREATE VIEW v_image_blocks AS
SELECT b.image_id, i.path, b.known * b.data AS disk_data, b.known * b.zero AS disk_zero_allocated,
       b.known * b.leaked AS disk_leaked, b.known * b.unused AS disk_unused, b.known * b.unallocated AS disk_unallocated,
       b.known * b.preallocated AS disk_preallocated, b.tail AS disk_tail, b.known * b.metadata AS disk_metadata,
       b.known * b.snapshots AS disk_snapshots, b.known * b.bitmaps AS disk_bitmaps, b.known * b.blocks AS disk_bytes
FROM (SELECT s.image_id, CASE WHEN count(*) = count(s.blocks) THEN 1 END AS known, -- all blocks, but of a block device
             sum(s.blocks * (s.use = 'data')) AS data, sum(s.blocks * (s.use = 'zero')) AS zero,
             sum(s.blocks * (s.use = 'leaked')) AS leaked, sum(s.blocks * (s.use = 'unused')) AS unused,
             sum(s.blocks * (s.use = 'unallocated')) AS unallocated, sum(s.unwritten) AS preallocated,
             coalesce(sum(s.blocks * (s.use = 'tail')), 0) AS tail, sum(s.blocks * (s.use = 'metadata')) AS metadata,
             sum(s.blocks * (s.use = 'snapshot')) AS snapshots, sum(s.blocks * (s.use = 'bitmap')) AS bitmaps,
             sum(s.blocks + s.unwritten) AS blocks
      FROM (SELECT image_id, use, disk_bytes - coalesce(unwritten_bytes, 0) AS blocks, coalesce(unwritten_bytes, 0) AS unwritten
            FROM file_space) AS s
      GROUP BY s.image_id) AS b
JOIN image AS i ON i.image_id = b.image_id;

-- How much data of an image is read by exactly that many readers.
CREATE VIEW v_sharing AS
SELECT s.image_id, i.path, s.readers, s.bytes
FROM reader_bytes AS s
JOIN image AS i ON i.image_id = s.image_id;

-- Two heads, and what they share.
CREATE VIEW v_pair AS
SELECT p.image_id, i.path, p.other_id, o.path AS other_path, p.bytes AS shared_bytes, p.others AS others_at_most
FROM pair AS p
JOIN image AS i ON i.image_id = p.image_id
JOIN image AS o ON o.image_id = p.other_id;

-- A host file of an image: its blocks, and what deleting it frees.
CREATE VIEW v_file_blocks AS
SELECT f.file_id, f.path, (SELECT v.device FROM volume AS v WHERE v.volume_id = f.volume_id) AS dev, f.inode,
       f.links_found AS names, f.links, f.size, CASE WHEN NOT f.is_device THEN f.disk_size END AS disk_size,
       CASE WHEN f.links IS NULL OR f.is_device THEN NULL WHEN s.file_id IS NULL THEN 0 ELSE s.shared_bytes END AS shared_bytes,
       CASE WHEN f.links IS NULL OR f.is_device THEN NULL WHEN s.file_id IS NULL THEN f.disk_size
            ELSE max(f.disk_size - s.shared_bytes, 0) END AS exclusive_bytes,
       CASE WHEN f.links IS NULL OR f.is_device THEN NULL ELSE coalesce(s.encoded_bytes, 0) END AS encoded_bytes,
       CASE WHEN f.links IS NULL OR f.is_device THEN NULL WHEN s.file_id IS NULL THEN 0 ELSE s.unmatched_bytes END AS unmatched_bytes,
       coalesce(s.saved_bytes, 0) AS saved_bytes,
       CASE WHEN f.links IS NULL OR f.is_device OR (s.file_id IS NOT NULL AND s.shared_bytes IS NULL) THEN NULL
            WHEN f.links > f.links_found THEN 0
            WHEN s.file_id IS NULL THEN f.disk_size
            ELSE max(f.disk_size - s.shared_bytes - s.encoded_bytes, 0) END AS freed_bytes,
       s.group_id
FROM file AS f
LEFT JOIN file_sharing AS s ON s.file_id = f.file_id
WHERE f.class IN ('image', 'part');

-- A candidate of the latest scan: an image that nothing uses, wholly or in part, as a backing file (v_unused), or that no
-- machine uses (v_unclaimed). Blocks that hard links or other files hold on to are not reclaimable; of what is masked,
-- compressed data counts with its share.
CREATE VIEW v_candidate AS
SELECT c.image_id, i.path, c.status,
       CASE WHEN EXISTS (SELECT 1 FROM doubt AS d WHERE d.image_id IS NULL OR d.image_id = c.image_id)
            THEN 'unproven' ELSE 'proven' END AS verdict,
       strftime('%Y-%m-%dT%H:%M:%SZ', c.since_ns / 1000000000, 'unixepoch') AS since,
       (SELECT CASE WHEN NOT max(f.is_device) THEN sum(f.disk_size) END FROM file AS f WHERE f.file_id IN (
            SELECT i.file_id UNION SELECT x.file_id FROM image_file AS x WHERE x.image_id = i.image_id)) AS disk_size,
       u.masked_bytes,
       CASE c.status WHEN 'partly-masked' THEN min(b.own, coalesce(m.host, 0)) ELSE b.freed END AS reclaimable_bytes,
       (SELECT v.started FROM v_scan AS v WHERE v.scan_id = r.referenced_scan) AS last_referenced, r.referenced_by,
       c.evidence, c.why, c.why_codes, c.assumes
FROM candidate AS c
JOIN image AS i ON i.image_id = c.image_id
JOIN image_memory AS r ON r.image_id = c.image_id
LEFT JOIN usage AS u ON u.image_id = c.image_id
-- Host bytes of masked data. A hole takes none; for compressed data only the sum is known.
LEFT JOIN (SELECT k.image_id,
                  sum(CASE k.state WHEN 0 THEN k.length WHEN 2 THEN k.length
                                   WHEN 1 THEN k.length * a.compressed_host / a.compressed_bytes ELSE 0 END) AS host
           FROM masked AS k JOIN image_account AS a ON a.image_id = k.image_id
           GROUP BY k.image_id) AS m ON m.image_id = c.image_id
-- Host bytes that its files have for themselves, and those that go when they are deleted by one name each: NULL where
-- that is unknown of one of them.
LEFT JOIN (SELECT o.image_id,
                  CASE WHEN count(*) = count(h.exclusive_bytes) THEN sum(h.exclusive_bytes - h.encoded_bytes) END AS own,
                  CASE WHEN count(*) = count(h.freed_bytes)
                       THEN sum(CASE WHEN h.links > 1 THEN 0 ELSE h.freed_bytes END) END AS freed
           FROM (SELECT image_id, file_id FROM image_file WHERE file_id IS NOT NULL
                 UNION SELECT image_id, file_id FROM image) AS o
           LEFT JOIN v_file_blocks AS h ON h.file_id = o.file_id
           WHERE o.image_id IN (SELECT image_id FROM candidate)
           GROUP BY o.image_id) AS b ON b.image_id = c.image_id;

-- Those that were backing files, or are.
CREATE VIEW v_unused AS SELECT * FROM v_candidate WHERE status <> 'unclaimed';

-- An image that no other image names and no machine of an inventory uses, and that was no backing file as far as is known: a
-- head, or one that stands alone. There are none where no inventory was read.
CREATE VIEW v_unclaimed AS
SELECT c.image_id, c.path, c.verdict, c.since, c.disk_size, c.reclaimable_bytes, i.format, h.virtual_size,
       strftime('%Y-%m-%dT%H:%M:%SZ', f.mtime_ns / 1000000000, 'unixepoch') AS mtime, b.path AS backing_image, c.why, c.why_codes,
       c.assumes
FROM v_candidate AS c
JOIN image AS i ON i.image_id = c.image_id
JOIN file AS f ON f.file_id = i.file_id
LEFT JOIN image_header AS h ON h.image_id = c.image_id
LEFT JOIN image AS b ON b.image_id = i.backing_id
WHERE c.status = 'unclaimed';

-- Why a candidate counts as a backing file.
CREATE VIEW v_evidence AS
SELECT e.image_id, i.path, e.code, e.subject, e.scan_id, e.sentence
FROM evidence AS e
JOIN image AS i ON i.image_id = e.image_id;

-- Why a verdict is not proven; image_id NULL: that of every candidate.
CREATE VIEW v_doubt AS
SELECT d.image_id, i.path, d.code, d.subject, d.sentence
FROM doubt AS d
LEFT JOIN image AS i ON i.image_id = d.image_id;

-- An inventory that the latest scan read.
CREATE VIEW v_inventory AS
SELECT v.number, v.source, v.place, v.is_of_host, coalesce(m.machines, 0) AS machines, coalesce(m.claims, 0) AS claims,
       coalesce(m.lost, 0) AS lost_claims, strftime('%Y-%m-%dT%H:%M:%SZ', v.newest_ns / 1000000000, 'unixepoch') AS newest
FROM inventory AS v
LEFT JOIN (SELECT k.inventory, count(*) AS machines, sum(c.claims) AS claims, sum(c.lost) AS lost
           FROM machine AS k
           LEFT JOIN (SELECT machine_id, count(*) AS claims, sum(state <> 'found') AS lost FROM claim GROUP BY machine_id) AS c
                  ON c.machine_id = k.machine_id
           GROUP BY k.inventory) AS m ON m.inventory = v.number;

-- A machine of an inventory that the latest scan read, or what takes the place of one.
CREATE VIEW v_machine AS
SELECT m.machine_id, s.source, m.kind, m.name, m.uuid, m.state, m.defined_in,
       strftime('%Y-%m-%dT%H:%M:%SZ', nullif(m.defined_ns, 0) / 1000000000, 'unixepoch') AS defined,
       (SELECT count(*) FROM claim AS c WHERE c.machine_id = m.machine_id) AS claims
FROM machine AS m
JOIN inventory AS s ON s.number = m.inventory;

-- What a machine uses. An image of several files is claimed by any of them.
CREATE VIEW v_claim AS
SELECT c.machine_id, m.name AS machine, coalesce(i.image_id, x.image_id) AS image_id, c.path, c.role, c.state, c.format,
       c.read_only, c.shareable, c.transient, c.target
FROM claim AS c
JOIN machine AS m ON m.machine_id = c.machine_id
LEFT JOIN image AS i ON i.file_id = c.file_id
LEFT JOIN (SELECT file_id, min(image_id) AS image_id FROM image_file WHERE number > 0 GROUP BY file_id) AS x
       ON x.file_id = c.file_id AND i.image_id IS NULL;

-- A name of another file in a packed image; a packed file in which there is none has one row without a name.
CREATE VIEW v_packed AS
SELECT f.path, p.problem, r.member, r.format, r.kind, r.name, nullif(r.path, '') AS target_path, r.state
FROM packed_file AS p
JOIN file AS f USING (file_id)
LEFT JOIN packed_reference AS r ON r.file_id = p.file_id AND (r.state <> 'earlier' OR r.target_id IS NOT NULL);

-- A finding of the latest scan, or (cleared) of an earlier one that is kept and has gone since.
CREATE VIEW v_finding AS
SELECT f.code, f.severity, f.path, f.detail,
       (SELECT v.started FROM v_scan AS v WHERE v.scan_id >= f.first_scan ORDER BY v.scan_id LIMIT 1) AS first_seen,
       (SELECT v.started FROM v_scan AS v WHERE v.scan_id <= f.last_scan ORDER BY v.scan_id DESC LIMIT 1) AS last_seen,
       f.doubt IS NOT NULL AND f.last_scan = l.scan_id AND f.accepted_by IS NULL AS hides, f.first_scan, f.last_scan,
       f.last_scan < l.scan_id AS cleared,
       f.doubt IS NOT NULL AND f.last_scan = l.scan_id AND f.accepted_by IS NULL AS blocks, f.accepted_by
FROM finding AS f JOIN (SELECT max(scan_id) AS scan_id FROM scan) AS l;

-- What an administrator accepted.
CREATE VIEW v_acceptance AS
SELECT a.number, a.code, a.glob, a.reason,
       strftime('%Y-%m-%dT%H:%M:%SZ', a.created_ns / 1000000000, 'unixepoch') AS created,
       strftime('%Y-%m-%dT%H:%M:%SZ', a.until_ns / 1000000000, 'unixepoch') AS until,
       coalesce(a.until_ns <= strftime('%s', 'now') * 1000000000, 0) AS expired,
       (SELECT count(*) FROM finding AS f
        WHERE f.accepted_by = a.number AND f.last_scan = (SELECT max(scan_id) FROM scan)) AS findings
FROM acceptance AS a;

-- An image in a scan.
CREATE VIEW v_history AS
SELECT s.scan_id, h.path, h.image_id, h.virtual_size, h.file_size, h.disk_size, h.data_bytes, h.chain_depth,
       h.dependents, h.backing_path, h.state
FROM history_span AS h
JOIN scan AS s ON s.scan_id >= h.first_scan AND s.scan_id <= coalesce(h.last_scan, s.scan_id);

-- What became of an image between two scans.
CREATE VIEW v_growth AS
SELECT b.path, a.scan_id AS from_scan, b.scan_id AS to_scan,
       b.disk_size - a.disk_size AS disk_delta, b.data_bytes - a.data_bytes AS data_delta,
       b.virtual_size - a.virtual_size AS virtual_delta,
       -- The depth of an image that was not understood, or whose chain is broken, is unknown.
       CASE a.state WHEN 'ok' THEN a.chain_depth END AS depth_from,
       CASE b.state WHEN 'ok' THEN b.chain_depth END AS depth_to,
       a.dependents AS dependents_from, b.dependents AS dependents_to
FROM v_history AS b
JOIN v_history AS a ON a.path = b.path AND a.scan_id < b.scan_id;
