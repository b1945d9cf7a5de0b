-- SPDX-License-Identifier: MIT
-- Who reads a file otherwise than as a backing file that the forest follows.

-- file_id is read in a way that the forest does not account for by image by_id (NULL: by one that is not told): all
-- references but the one backing link of each image, and all parts. What is visible of such a file, and of what lies
-- below it, is not known.
CREATE VIEW read_aside AS
SELECT r.target_id AS file_id, r.image_id AS by_id
FROM reference AS r JOIN image AS o ON o.image_id = r.image_id
LEFT JOIN image AS b ON b.image_id = o.backing_id
WHERE r.target_id IS NOT NULL AND NOT (r.kind IN ('backing', 'alias') AND r.target_id IS b.file_id)
UNION
SELECT n.file_id, r.image_id
FROM reference AS r JOIN name AS n ON n.path = r.path
JOIN image AS o ON o.image_id = r.image_id
LEFT JOIN image AS b ON b.image_id = o.backing_id
WHERE NOT (r.kind IN ('backing', 'alias') AND n.file_id IS b.file_id)
UNION
SELECT x.file_id, x.image_id
FROM image_file AS x JOIN image AS i ON i.file_id = x.file_id
WHERE x.image_id <> i.image_id
UNION
SELECT n.file_id, x.image_id
FROM image_file AS x JOIN name AS n ON n.path = x.path JOIN image AS i ON i.file_id = n.file_id
WHERE x.image_id <> i.image_id
UNION
SELECT file_id, NULL FROM file WHERE verdict = 'part';
