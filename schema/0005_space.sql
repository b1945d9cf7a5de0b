-- SPDX-License-Identifier: MIT
-- What the host space of images is used for.

-- For each file of an image, and each use of its bytes. An image whose account is not known has no rows at all; a file
-- that is accounted for has a row 'unused' at least. Uses: 'data', 'zero', 'unallocated', 'snapshot', 'bitmap',
-- 'metadata', 'leaked', 'unused', 'tail'. The bytes of a file add up to its length.
CREATE TABLE space (
    image_id        INTEGER NOT NULL REFERENCES image ON DELETE CASCADE,
    file            INTEGER NOT NULL,  -- image_file.number
    use             TEXT NOT NULL,
    bytes           INTEGER NOT NULL,  -- of the file, whether the host keeps blocks for them or not
    disk_bytes      INTEGER NOT NULL,  -- of blocks that the host keeps for them
    unwritten_bytes INTEGER,           -- of disk_bytes: preallocated, never written; NULL: the host does not tell
    PRIMARY KEY (image_id, file, use)
) STRICT, WITHOUT ROWID;

-- With the rest of what the host says that a file takes, so that the blocks of a file add up to its disk_size.
CREATE VIEW v_space AS
SELECT s.image_id, i.path, x.path AS file, s.use, s.bytes, s.disk_bytes, s.unwritten_bytes
FROM space AS s
JOIN image AS i ON i.image_id = s.image_id
LEFT JOIN image_file AS x ON x.image_id = s.image_id AND x.number = s.file
UNION ALL
SELECT x.image_id, i.path, x.path, 'filesystem', 0,
       f.disk_size - (SELECT sum(s.disk_bytes) FROM space AS s WHERE s.image_id = x.image_id AND s.file = x.number), NULL
FROM image_file AS x
JOIN image AS i ON i.image_id = x.image_id
JOIN file AS f ON f.file_id = x.file_id
WHERE EXISTS (SELECT 1 FROM space AS s WHERE s.image_id = x.image_id AND s.file = x.number);

DROP VIEW v_usage;
ALTER TABLE image DROP COLUMN leaked_bytes;
CREATE VIEW v_usage AS
SELECT i.image_id, i.path,
       i.data_bytes + i.compressed_bytes + i.encrypted_bytes + i.sparse_bytes AS data_bytes,
       i.zero_bytes + i.zero_allocated_bytes AS zero_bytes,
       i.metadata_bytes,
       (SELECT sum(s.bytes * (s.use = 'leaked')) FROM space AS s WHERE s.image_id = i.image_id) AS leaked_bytes,
       u.visible_bytes, u.masked_bytes, u.exclusive_bytes, u.shared_bytes, u.dependents, u.descendants, u.heads
FROM image AS i
LEFT JOIN usage AS u ON u.image_id = i.image_id;

-- Accounts of images that are known already come with the next scan, which reads them again.
UPDATE file SET checked_ns = 0 WHERE verdict = 'image';
