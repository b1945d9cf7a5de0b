-- SPDX-License-Identifier: MIT
-- Who sees what of whom, in numbers.

-- How much data of an image exactly so many readers see. Readers are heads, internal snapshots of other images (those of
-- one image are one reader), and images that are kept whole. The sum over an image is usage.visible_bytes.
CREATE TABLE seen (
    image_id INTEGER NOT NULL REFERENCES image ON DELETE CASCADE,
    readers  INTEGER NOT NULL,  -- > 0
    bytes    INTEGER NOT NULL,  -- guest bytes, > 0
    PRIMARY KEY (image_id, readers)
) STRICT, WITHOUT ROWID;

CREATE VIEW v_sharing AS
SELECT s.image_id, i.path, s.readers, s.bytes
FROM seen AS s
JOIN image AS i ON i.image_id = s.image_id;

-- Images that are to stay whole although nobody reads them: they are cloned, say. Globs, for every scan.
CREATE TABLE template (
    glob TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
ALTER TABLE image ADD COLUMN is_template INTEGER NOT NULL DEFAULT 0;  -- 1: by that list, or by the scan's --template

DROP VIEW v_image;
CREATE VIEW v_image AS
SELECT i.image_id, i.path, i.format, i.variant, i.format_basis, i.virtual_size,
       -- of all its files, each once
       (SELECT sum(f.size) FROM file AS f WHERE f.file_id IN (
            SELECT i.file_id UNION SELECT x.file_id FROM image_file AS x WHERE x.image_id = i.image_id)) AS file_size,
       (SELECT sum(f.disk_size) FROM file AS f WHERE f.file_id IN (
            SELECT i.file_id UNION SELECT x.file_id FROM image_file AS x WHERE x.image_id = i.image_id)) AS disk_size,
       i.cluster_size,
       i.backing_name, i.backing_path, i.backing_format, b.path AS backing_image,
       (SELECT max(c.depth) FROM chain AS c WHERE c.image_id = i.image_id) AS chain_depth,
       NOT EXISTS (SELECT 1 FROM image AS o WHERE o.backing_id = i.image_id) AS is_head,
       (SELECT count(*) FROM image AS o WHERE o.backing_id = i.image_id) AS dependents,
       CASE WHEN i.state = 'ok' AND NOT i.chain_ok THEN 'broken-chain' ELSE i.state END AS state,
       CASE i.lock_state WHEN 'none' THEN 0 WHEN 'unknown' THEN NULL ELSE 1 END AS in_use,
       i.lock_state, i.encrypted, i.dirty, i.corrupt, i.truncated,
       (SELECT count(*) FROM mapping AS m WHERE m.image_id = i.image_id AND m.snapshot IS NOT NULL) AS snapshots,
       (SELECT count(*) FROM image_file AS x WHERE x.image_id = i.image_id) AS files,
       nullif(i.identity, '') AS identity, nullif(i.parent_identity, '') AS parent_identity, i.is_template
FROM image AS i
LEFT JOIN image AS b ON b.image_id = i.backing_id;
