-- SPDX-License-Identifier: MIT
-- title: The tree around an image
-- about: What `imgaudit chain` draws: the image's backing files from the root down to it, then everything that is based
-- about: on it. Rows are in the order of drawing. Other images on the backing files are counted, not listed.
-- about: A chain that breaks begins with the name that could not be followed.
-- parameter: :image | any path of the image
-- column: level | count | depth in the drawing, 0 is the root
-- column: path | path | the image, or the name that could not be followed
-- column: relation | text | base, image (the given one), dependent or unresolved
-- column: format | text | its format
-- column: disk_size | bytes | blocks that its files take on the host
-- column: seen_data_bytes | bytes | base: data that the given image gets from it; image: its own data that it sees; dependent: data that it gets from the given image
-- column: others | count | images on a base that are not drawn
-- column: machines | text | machines of inventories that use it, up to three by name, with the claim's role where that is not disk; of more how many there are
-- column: state | text | state of the image, ok where it could be mapped; or why the reference was not followed
WITH RECURSIVE
given AS (
    SELECT * FROM image
    WHERE file_id IN (SELECT file_id FROM file_name WHERE path = :image UNION SELECT file_id FROM image WHERE path = :image)
),
spine AS (
    SELECT c.depth, c.layer_id AS image_id, c.data_bytes
    FROM v_layer AS c JOIN given AS a ON a.image_id = c.image_id WHERE c.depth > 0
),
bottom AS (
    SELECT * FROM image WHERE image_id = coalesce((SELECT image_id FROM spine ORDER BY depth DESC LIMIT 1),
                                                  (SELECT image_id FROM given))
),
-- The last link, where it leads to nothing that is drawn.
loose AS (
    SELECT coalesce(nullif(r.path, ''), b.backing_path, d.backing_name, r.name) AS path,
           coalesce(nullif(r.state, 'followed'),
                    CASE WHEN b.backing_id IN (SELECT image_id FROM spine UNION SELECT image_id FROM given) THEN 'loop'
                         ELSE 'not followed' END) AS state
    FROM bottom AS b
    LEFT JOIN image_header AS d ON d.image_id = b.image_id
    LEFT JOIN reference AS r ON r.image_id = b.image_id AND r.kind = 'backing'
    WHERE d.backing_name IS NOT NULL OR b.backing_id IS NOT NULL
    ORDER BY r.state = 'followed', r.name, r.path
    LIMIT 1
),
base_level AS (SELECT (SELECT count(*) FROM loose) AS first, (SELECT count(*) FROM spine) AS bases),
ranked AS (SELECT image_id, printf('%09d', row_number() OVER (ORDER BY path, image_id)) AS rank FROM image),
-- An image has one backing file, so each is reached once on the way up; the spine, where a loop closes, is left out.
below AS (
    SELECT i.image_id, 1 AS level, r.rank AS key
    FROM image AS i JOIN ranked AS r ON r.image_id = i.image_id
    WHERE i.backing_id = (SELECT image_id FROM given)
      AND i.image_id NOT IN (SELECT image_id FROM spine UNION SELECT image_id FROM given)
    UNION ALL
    SELECT i.image_id, b.level + 1, b.key || r.rank
    FROM below AS b JOIN image AS i ON i.backing_id = b.image_id JOIN ranked AS r ON r.image_id = i.image_id
    WHERE i.image_id NOT IN (SELECT image_id FROM spine UNION SELECT image_id FROM given)
),
-- A machine may claim an image by several roles, and two machines may have one name.
claimed AS (
    SELECT DISTINCT image_id, machine_id, machine || CASE role WHEN 'disk' THEN '' ELSE ' (' || role || ')' END AS name
    FROM v_claim WHERE image_id IS NOT NULL ORDER BY 3
),
named AS (
    SELECT image_id, CASE WHEN count(*) <= 3 THEN group_concat(name, ', ')
                          ELSE count(DISTINCT machine_id) || ' machines' END AS machines
    FROM claimed GROUP BY image_id
),
-- Each image has a row: few groups would be thought so few that they were gone through for each node.
used AS (
    SELECT i.image_id, max(u.machines) AS machines
    FROM image AS i JOIN (SELECT image_id, machines FROM named UNION ALL SELECT image_id, NULL FROM image) AS u ON u.image_id = i.image_id
    GROUP BY i.image_id
),
node AS (
    SELECT b.first + b.bases - s.depth AS level, '' AS key, s.image_id, 'base' AS relation, s.data_bytes,
           (SELECT count(*) FROM image AS o WHERE o.backing_id = s.image_id) - 1 AS others
    FROM spine AS s, base_level AS b
    UNION ALL
    SELECT b.first + b.bases, '', a.image_id, 'image',
           (SELECT data_bytes FROM v_layer AS c WHERE c.image_id = a.image_id AND c.depth = 0), NULL
    FROM given AS a, base_level AS b
    UNION ALL
    SELECT b.first + b.bases + d.level, d.key, d.image_id, 'dependent',
           (SELECT sum(c.data_bytes) FROM v_layer AS c JOIN given AS a ON c.layer_id = a.image_id
            WHERE c.image_id = d.image_id), NULL
    FROM below AS d, base_level AS b
)
SELECT level, path, relation, format, disk_size, seen_data_bytes, others, machines, state
FROM (
    SELECT 0 AS level, '' AS key, path, 'unresolved' AS relation, NULL AS format, NULL AS disk_size,
           NULL AS seen_data_bytes, NULL AS others, NULL AS machines, state
    FROM loose
    UNION ALL
    SELECT n.level, n.key, i.path, n.relation, i.format, v.disk_size, n.data_bytes, n.others, u.machines, i.state
    FROM node AS n JOIN image AS i ON i.image_id = n.image_id JOIN v_image AS v ON v.image_id = n.image_id
    JOIN used AS u ON u.image_id = n.image_id
)
ORDER BY key, level;
