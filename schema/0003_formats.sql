-- SPDX-License-Identifier: MIT
-- Images of several files, and parents that are known by who they are.

ALTER TABLE image ADD COLUMN identity TEXT NOT NULL DEFAULT '';         -- who it is, in its format's terms: "cid 1234abcd", "uuid ..."; '': not told
ALTER TABLE image ADD COLUMN identity_stamp TEXT NOT NULL DEFAULT '';   -- changes with every modification, where the format has such a thing
ALTER TABLE image ADD COLUMN parent_identity TEXT NOT NULL DEFAULT '';  -- what its parent's identity should be
ALTER TABLE image ADD COLUMN parent_stamp TEXT NOT NULL DEFAULT '';     -- what its parent's identity_stamp should be
ALTER TABLE image ADD COLUMN backing_by_identity INTEGER NOT NULL DEFAULT 0; -- 1: its parent has no name, it is looked for by parent_identity

-- Names of other files that an image holds, in the image's order, to look them up again without reading it:
-- 'part' (of the image; number n is file number n + 1) and 'backing' (paths to try for the parent, the first that exists counts).
CREATE TABLE image_name (
    image_id INTEGER NOT NULL REFERENCES image ON DELETE CASCADE,
    kind     TEXT NOT NULL,
    number   INTEGER NOT NULL,
    role     TEXT NOT NULL,      -- of a part: 'data', 'extent'...
    place    INTEGER NOT NULL,   -- of a part: 0 looked for as QEMU does, 1 in the image's directory
    name     TEXT,               -- as it stands in the image; NULL: the image does not tell
    PRIMARY KEY (image_id, kind, number)
) STRICT, WITHOUT ROWID;
INSERT INTO image_name (image_id, kind, number, role, place, name)
SELECT image_id, 'part', 0, 'data', 0, data_file FROM image WHERE data_file IS NOT NULL;

DROP VIEW v_image;
ALTER TABLE image DROP COLUMN data_file;
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
       nullif(i.identity, '') AS identity, nullif(i.parent_identity, '') AS parent_identity
FROM image AS i
LEFT JOIN image AS b ON b.image_id = i.backing_id;

-- image.format_basis has one more word: 'footer', by the last 512 bytes alone.

-- Formats that were not read so far, and disks under names that say nothing, are read by the next scan.
UPDATE file SET checked_ns = 0
WHERE verdict IN ('passed', 'unknown') OR file_id IN (SELECT file_id FROM image WHERE state = 'unsupported');
