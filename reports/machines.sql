-- SPDX-License-Identifier: MIT
-- title: Machines and the space that they take
-- about: One row per machine of the inventories that the latest scan read, and one of what no machine uses. A file that
-- about: several machines use, as a base or a CD, counts for each with an equal part: the totals add up to the blocks of
-- about: all files that are images or are used by machines. Blocks that different files share (report --host) count for
-- about: each of them.
-- column: machine | text | its name; empty: no machine uses these
-- column: kind | text | vm, container, template, storage or list; none for what no machine uses
-- column: state | text | running, paused, off, or unknown, as its inventory has it
-- column: source | text | the inventory that has it
-- column: disks | count | disks that it claims
-- column: lost | count | files that it claims, and that were not found among those of the scan
-- column: chain_depth | count | backing files below the deepest of its disks
-- column: snapshots | count | internal snapshots of its images, and restore points that it claims
-- column: virtual_size | bytes | size of its disks, as the guest sees them
-- column: exclusive_bytes | bytes | blocks of files that nothing but this machine uses
-- column: shared_bytes | bytes | blocks of files that it uses with others, whole
-- column: share_bytes | bytes | its part of these
-- column: total_bytes | bytes | exclusive_bytes and share_bytes
WITH
-- A machine that has a definition and runs, or is in two inventories, is one.
machine_key AS MATERIALIZED (
    SELECT m.machine_id, coalesce(m.uuid, s.source || char(0) || m.name) AS key
    FROM machine AS m JOIN inventory AS s ON s.number = m.inventory
),
one AS (
    SELECT k.key, min(m.name) AS name, min(m.kind) AS kind, group_concat(DISTINCT s.source) AS source,
           CASE max(CASE m.state WHEN 'running' THEN 3 WHEN 'paused' THEN 2 WHEN 'off' THEN 1 ELSE 0 END)
                WHEN 3 THEN 'running' WHEN 2 THEN 'paused' WHEN 1 THEN 'off' ELSE 'unknown' END AS state
    FROM machine_key AS k JOIN machine AS m USING (machine_id) JOIN inventory AS s ON s.number = m.inventory
    GROUP BY k.key
),
own_file AS MATERIALIZED (
    SELECT image_id, file_id FROM image UNION SELECT image_id, file_id FROM image_file WHERE file_id IS NOT NULL
),
claimed AS MATERIALIZED (
    SELECT DISTINCT k.key, c.role, c.state, coalesce(c.target, c.path) AS target, c.file_id
    FROM claim AS c JOIN machine_key AS k USING (machine_id)
),
claimed_image AS MATERIALIZED (
    SELECT DISTINCT q.key, q.role, o.image_id FROM claimed AS q JOIN own_file AS o USING (file_id)
),
layer AS MATERIALIZED (
    SELECT q.key, c.layer_id AS image_id FROM claimed_image AS q JOIN v_layer AS c ON c.image_id = q.image_id
    UNION SELECT key, image_id FROM claimed_image
),
use AS MATERIALIZED (
    SELECT l.key, o.file_id FROM layer AS l JOIN own_file AS o USING (image_id)
    UNION SELECT key, file_id FROM claimed WHERE file_id IS NOT NULL
),
part AS (
    SELECT u.key, CASE WHEN f.is_device THEN 0 ELSE f.disk_size END AS bytes,
           count(*) OVER (PARTITION BY u.file_id) AS machines,
           row_number() OVER (PARTITION BY u.file_id ORDER BY u.key) AS number
    FROM use AS u JOIN file AS f USING (file_id)
),
space AS (
    SELECT key, sum(CASE WHEN machines = 1 THEN bytes ELSE 0 END) AS exclusive_bytes,
           sum(CASE WHEN machines > 1 THEN bytes ELSE 0 END) AS shared_bytes,
           -- What does not divide goes to the first ones.
           sum(CASE WHEN machines > 1 THEN bytes / machines + (number <= bytes % machines) ELSE 0 END) AS share_bytes
    FROM part GROUP BY key
)
SELECT * FROM (
    SELECT o.name AS machine, o.kind, o.state, o.source,
           (SELECT count(DISTINCT q.target) FROM claimed AS q WHERE q.key = o.key AND q.role = 'disk') AS disks,
           (SELECT count(DISTINCT q.target) FROM claimed AS q WHERE q.key = o.key AND q.state <> 'found') AS lost,
           (SELECT max(c.depth) FROM claimed_image AS q JOIN v_layer AS c ON c.image_id = q.image_id
            WHERE q.key = o.key AND q.role = 'disk') AS chain_depth,
           (SELECT count(*) FROM (SELECT DISTINCT image_id FROM claimed_image AS q WHERE q.key = o.key AND q.role <> 'backing') AS i
            JOIN mapping AS m ON m.image_id = i.image_id AND m.snapshot IS NOT NULL)
           + (SELECT count(DISTINCT q.target) FROM claimed AS q WHERE q.key = o.key AND q.role = 'restore-point') AS snapshots,
           (SELECT sum(h.virtual_size) FROM (SELECT DISTINCT image_id FROM claimed_image AS q WHERE q.key = o.key AND q.role = 'disk') AS i
            JOIN image_header AS h ON h.image_id = i.image_id) AS virtual_size,
           coalesce(s.exclusive_bytes, 0) AS exclusive_bytes, coalesce(s.shared_bytes, 0) AS shared_bytes,
           coalesce(s.share_bytes, 0) AS share_bytes, coalesce(s.exclusive_bytes + s.share_bytes, 0) AS total_bytes
    FROM one AS o LEFT JOIN space AS s ON s.key = o.key
    UNION ALL
    SELECT NULL, 'none', NULL, NULL, NULL, NULL, NULL, NULL, NULL, sum(bytes), 0, 0, sum(bytes)
    FROM (SELECT CASE WHEN f.is_device THEN 0 ELSE f.disk_size END AS bytes FROM file AS f
          WHERE f.file_id IN (SELECT file_id FROM own_file) AND f.file_id NOT IN (SELECT file_id FROM use))
    HAVING count(*) > 0
)
ORDER BY machine IS NULL, total_bytes DESC, machine;
