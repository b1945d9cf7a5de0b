-- SPDX-License-Identifier: MIT
-- title: Who depends on an image
-- about: All images of the latest scan that reach the given one, directly or through others, by whatever kind of
-- about: reference. Deleting or changing it breaks them, whether or not they read a byte of it.
-- about: Images outside the scanned roots are unknown.
-- parameter: :image | any path of the image, or of a file that is part of one
-- column: path | path | an image that reaches the given one
-- column: depth | count | depth of the given image in its chain; empty where it is not in the chain
-- column: direct | flag | it names the given image itself
-- column: is_head | flag | no image names it as its backing file
-- column: seen_bytes | bytes | guest bytes that it gets from the given image, zeroes and holes included
-- column: seen_data_bytes | bytes | data that it gets from the given image
-- column: machines | text | machines of inventories that use it
-- column: through | text | backing: by its chain of backing files; other: by a reference that its chain does not show
WITH RECURSIVE
target AS (
    SELECT file_id FROM file_name WHERE path = :image
    UNION
    SELECT file_id FROM image WHERE path = :image
),
given AS (SELECT image_id FROM image WHERE file_id IN (SELECT file_id FROM target)),
-- Which image refers to which file, by references that were followed and by every name that could not be.
link AS (
    SELECT o.image_id, b.file_id FROM image AS o JOIN image AS b ON b.image_id = o.backing_id
    UNION
    SELECT image_id, target_id FROM reference WHERE target_id IS NOT NULL
    UNION
    SELECT r.image_id, n.file_id FROM reference AS r JOIN file_name AS n ON n.path = r.path
    UNION
    SELECT x.image_id, x.file_id FROM image_file AS x WHERE x.file_id IS NOT NULL
),
-- UNION drops rows that it has already, so this ends on any loop.
reach AS (
    SELECT l.image_id FROM link AS l JOIN target AS t ON t.file_id = l.file_id
    UNION
    SELECT l.image_id
    FROM reach AS r JOIN image AS i ON i.image_id = r.image_id JOIN link AS l ON l.file_id = i.file_id
),
seen AS (
    SELECT c.image_id, min(c.depth) AS depth, sum(c.visible_bytes) AS bytes, sum(c.data_bytes) AS data
    FROM v_layer AS c JOIN given AS a ON a.image_id = c.layer_id
    WHERE c.depth > 0
    GROUP BY c.image_id
)
SELECT i.path, s.depth,
       EXISTS (SELECT 1 FROM link AS l WHERE l.image_id = i.image_id AND l.file_id IN (SELECT file_id FROM target))
           AS direct,
       i.is_head, s.bytes AS seen_bytes, s.data AS seen_data_bytes,
       (SELECT group_concat(name, ', ') FROM (
            SELECT DISTINCT m.name FROM claim AS c JOIN machine AS m USING (machine_id) WHERE c.file_id IN (
                SELECT f.file_id FROM image AS f WHERE f.image_id = i.image_id
                UNION SELECT x.file_id FROM image_file AS x WHERE x.image_id = i.image_id) ORDER BY 1)) AS machines,
       CASE WHEN s.depth IS NULL THEN 'other' ELSE 'backing' END AS through
FROM reach AS r
JOIN v_image AS i ON i.image_id = r.image_id
LEFT JOIN seen AS s ON s.image_id = r.image_id
WHERE r.image_id NOT IN (SELECT image_id FROM given)
ORDER BY s.depth IS NULL, s.depth, i.path, i.image_id;
