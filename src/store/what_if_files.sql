-- SPDX-License-Identifier: MIT
-- Fills what_if_file, most_bytes for each file by itself.
-- A file goes with the last image that it is part of; the main file of a deleted image goes whatever uses it. It gives
-- its blocks back when no name of it stays, of those that the scan found and of those that it did not: an image takes
-- one along with it, besides those that the set names. Each file counts once, for one of the images that take it along. One without a block has none that could be shared, whatever the host
-- reports.
INSERT INTO what_if_file (file_id, image_id, step, goes, freed_bytes, most_bytes)
WITH gone AS (SELECT image_id, step FROM what_if_image WHERE step IS NOT NULL),
owner AS (SELECT image_id, file_id FROM what_if_owner),
going AS (
    SELECT o.file_id, max(g.step) AS step, min(o.image_id) FILTER (WHERE g.step IS NOT NULL) AS image_id
    FROM owner AS o LEFT JOIN gone AS g ON g.image_id = o.image_id
    WHERE o.file_id IN (SELECT k.file_id FROM owner AS k JOIN gone AS j ON j.image_id = k.image_id)
    GROUP BY o.file_id
    HAVING count(*) = count(g.step)
        OR o.file_id IN (SELECT i.file_id FROM image AS i JOIN gone AS j ON j.image_id = i.image_id)
),
named AS (
    SELECT g.*, f.disk_size,
           coalesce(f.links <= f.links_found, 1)
           AND (SELECT count(*) - count(w.path) <= 1
                FROM file_name AS n LEFT JOIN what_if_name AS w ON w.path = n.path
                WHERE n.file_id = g.file_id AND n.kind = 'file') AS goes
    FROM going AS g JOIN file AS f ON f.file_id = g.file_id
)
SELECT n.file_id, n.image_id, n.step, n.goes,
       CASE WHEN n.goes AND n.disk_size > 0 THEN h.freed_bytes ELSE 0 END,
       CASE WHEN n.goes THEN n.disk_size ELSE 0 END
FROM named AS n LEFT JOIN v_file_blocks AS h ON h.file_id = n.file_id;
