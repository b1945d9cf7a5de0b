-- SPDX-License-Identifier: MIT
-- What files share on the host: hard links, and blocks that several files use (reflinks).

ALTER TABLE file ADD COLUMN links INTEGER;      -- names that the file system counts; NULL: written before this was kept
ALTER TABLE file ADD COLUMN links_met INTEGER;  -- of these, how many this scan met; the same link seen through two mounts counts once

-- A file of an image that may have blocks in common with other files. Without a row it has none, for sure.
-- Bytes are of the file, as disk_size counts them.
CREATE TABLE sharing (
    file_id         INTEGER PRIMARY KEY REFERENCES file ON DELETE CASCADE,
    shared_bytes    INTEGER,           -- in blocks that something else uses too; NULL: the host does not tell
    encoded_bytes   INTEGER NOT NULL,  -- in blocks of its own, compressed by the host: how many they are is not told
    unmatched_bytes INTEGER,           -- of shared_bytes: no other file of the store is known to use them; NULL: not known
    saved_bytes     INTEGER NOT NULL,  -- of shared_bytes: blocks that count with a file before it, by path, or twice in this one
    group_id        INTEGER            -- the same for files that have blocks in common, directly or by way of others; NULL: none known
) STRICT;
CREATE INDEX sharing_group ON sharing (group_id);

-- The runs of bytes of a file whose blocks something else uses too, as far as the host tells where they are.
CREATE TABLE shared_run (
    file_id  INTEGER NOT NULL REFERENCES file ON DELETE CASCADE,
    start    INTEGER NOT NULL,  -- byte of the file
    length   INTEGER NOT NULL,
    volume   INTEGER NOT NULL,  -- the same number: one address space
    physical INTEGER NOT NULL,  -- byte address on the volume
    encoded  INTEGER NOT NULL,  -- 1: kept there in another form, of a length that is not told
    PRIMARY KEY (file_id, start)
) STRICT, WITHOUT ROWID;

-- A host file of an image, and what deleting it frees.
CREATE VIEW v_host AS
SELECT f.file_id, f.path, f.dev, f.inode, f.links_met AS names, f.links, f.size, f.disk_size,
       CASE WHEN f.links IS NULL THEN NULL WHEN s.file_id IS NULL THEN 0 ELSE s.shared_bytes END AS shared_bytes,
       CASE WHEN f.links IS NULL THEN NULL WHEN s.file_id IS NULL THEN f.disk_size
            ELSE max(f.disk_size - s.shared_bytes, 0) END AS exclusive_bytes,
       CASE WHEN f.links IS NULL THEN NULL ELSE coalesce(s.encoded_bytes, 0) END AS encoded_bytes,
       CASE WHEN f.links IS NULL THEN NULL WHEN s.file_id IS NULL THEN 0 ELSE s.unmatched_bytes END AS unmatched_bytes,
       coalesce(s.saved_bytes, 0) AS saved_bytes,
       CASE WHEN f.links IS NULL OR (s.file_id IS NOT NULL AND s.shared_bytes IS NULL) THEN NULL
            WHEN f.links > f.links_met THEN 0
            WHEN s.file_id IS NULL THEN f.disk_size
            ELSE max(f.disk_size - s.shared_bytes - s.encoded_bytes, 0) END AS freed_bytes,
       s.group_id
FROM file AS f
LEFT JOIN sharing AS s ON s.file_id = f.file_id
WHERE f.verdict IN ('image', 'part');
