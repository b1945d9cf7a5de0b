-- SPDX-License-Identifier: MIT
-- Fills what_if_link, but for the links of an image to its own main file.
INSERT OR IGNORE INTO what_if_link (image_id, file_id, backing)
SELECT o.image_id, b.file_id, 1 FROM image AS o JOIN image AS b ON b.image_id = o.backing_id
UNION ALL
SELECT image_id, target_id, kind IN ('backing', 'alias') FROM reference WHERE target_id IS NOT NULL
UNION ALL
SELECT r.image_id, n.file_id, r.kind IN ('backing', 'alias') FROM reference AS r JOIN file_name AS n ON n.path = r.path
UNION ALL
SELECT r.image_id, i.file_id, r.kind IN ('backing', 'alias') FROM reference AS r JOIN image AS i ON i.path = r.path
UNION ALL
SELECT o.image_id, n.file_id, 1 FROM image AS o JOIN file_name AS n ON n.path = o.backing_path
UNION ALL
SELECT o.image_id, i.file_id, 1 FROM image AS o JOIN image AS i ON i.path = o.backing_path
UNION ALL
SELECT x.image_id, x.file_id, 0 FROM image_file AS x WHERE x.file_id IS NOT NULL
UNION ALL
SELECT x.image_id, n.file_id, 0 FROM image_file AS x JOIN file_name AS n ON n.path = x.path;
DELETE FROM what_if_link WHERE NOT backing
    AND EXISTS (SELECT 1 FROM image AS i WHERE i.image_id = what_if_link.image_id AND i.file_id = what_if_link.file_id);
