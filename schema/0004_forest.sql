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
