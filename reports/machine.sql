-- SPDX-License-Identifier: MIT
-- title: What a machine uses
-- about: Each file that the machine claims, and each image below its disks, with the machine's part of its blocks as in
-- about: report --machines.
-- parameter: :machine | the machine's name or identity (v_machine)
-- column: role | text | as the inventory has it; backing: an image below, whether or not an inventory has that
-- column: state | text | found; or why no file of the scan is known: missing, outside, unscanned, unreadable
-- column: path | path | the file
-- column: depth | count | of a backing image, in the chain of the disk that it is nearest to
-- column: format | text | its format; empty: it is no image
-- column: virtual_size | bytes | size of the guest's disk
-- column: disk_size | bytes | blocks that its files take on the host
-- column: share_bytes | bytes | the machine's part of these
-- column: machines | count | machines that use it
-- column: snapshots | count | internal snapshots of it
WITH
machine_key AS MATERIALIZED (
    SELECT m.machine_id, coalesce(m.uuid, s.source || char(0) || m.name) AS key, m.name, m.uuid
    FROM machine AS m JOIN inventory AS s ON s.number = m.inventory
),
own_file AS MATERIALIZED (
    SELECT image_id, file_id FROM image UNION SELECT image_id, file_id FROM image_file WHERE file_id IS NOT NULL
),
claimed_image AS MATERIALIZED (
    SELECT DISTINCT k.key, o.image_id FROM claim AS c JOIN machine_key AS k USING (machine_id) JOIN own_file AS o USING (file_id)
    WHERE c.role <> 'backing'
),
layer AS MATERIALIZED (
    SELECT q.key, c.layer_id AS image_id, min(c.depth) AS depth
    FROM claimed_image AS q JOIN v_layer AS c ON c.image_id = q.image_id GROUP BY q.key, c.layer_id
    UNION ALL SELECT key, image_id, 0 FROM claimed_image AS q
              WHERE NOT EXISTS (SELECT 1 FROM v_layer AS c WHERE c.image_id = q.image_id)
),
use AS MATERIALIZED (
    SELECT l.key, o.file_id FROM layer AS l JOIN own_file AS o USING (image_id)
    UNION SELECT k.key, c.file_id FROM claim AS c JOIN machine_key AS k USING (machine_id) WHERE c.file_id IS NOT NULL
),
part AS MATERIALIZED (
    SELECT u.key, u.file_id, CASE WHEN f.is_device THEN 0 ELSE f.disk_size END AS bytes,
           count(*) OVER (PARTITION BY u.file_id) AS machines,
           row_number() OVER (PARTITION BY u.file_id ORDER BY u.key) AS number
    FROM use AS u JOIN file AS f USING (file_id)
),
asked AS MATERIALIZED (SELECT DISTINCT key FROM machine_key WHERE name = :machine OR uuid = :machine),
line AS (
    -- What it claims: an image, or a file that is none.
    SELECT DISTINCT k.key, c.role, c.state, coalesce(c.target, c.path) AS path, o.image_id, c.file_id, NULL AS depth
    FROM claim AS c JOIN machine_key AS k USING (machine_id) LEFT JOIN own_file AS o ON o.file_id = c.file_id
    WHERE k.key IN (SELECT key FROM asked)
      AND NOT (c.role = 'backing' AND EXISTS (SELECT 1 FROM layer AS l WHERE l.key = k.key AND l.image_id = o.image_id))
    UNION ALL
    SELECT l.key, 'backing', 'found', i.path, l.image_id, i.file_id, l.depth
    FROM layer AS l JOIN image AS i USING (image_id)
    WHERE l.key IN (SELECT key FROM asked)
      AND NOT EXISTS (SELECT 1 FROM claimed_image AS q WHERE q.key = l.key AND q.image_id = l.image_id)
)
SELECT l.role, l.state, l.path, l.depth, i.format, h.virtual_size, p.disk_size, p.share_bytes, p.machines,
       CASE WHEN l.image_id IS NOT NULL THEN
           (SELECT count(*) FROM mapping AS m WHERE m.image_id = l.image_id AND m.snapshot IS NOT NULL) END AS snapshots
FROM line AS l
LEFT JOIN image AS i ON i.image_id = l.image_id
LEFT JOIN image_header AS h ON h.image_id = l.image_id
LEFT JOIN (SELECT n.key, coalesce(o.image_id, -n.file_id) AS thing, sum(n.bytes) AS disk_size, max(n.machines) AS machines,
                  sum(n.bytes / n.machines + (n.number <= n.bytes % n.machines)) AS share_bytes
           FROM part AS n LEFT JOIN own_file AS o ON o.file_id = n.file_id
           WHERE n.key IN (SELECT key FROM asked) GROUP BY n.key, thing) AS p
       ON p.key = l.key AND p.thing = coalesce(l.image_id, -l.file_id)
ORDER BY l.role = 'backing', l.role, l.depth, l.path;
