-- SPDX-License-Identifier: MIT
-- title: How many see how much of each backing file
-- about: One row per backing file and number of readers: so much of its data is seen by exactly so many. Readers are
-- about: heads (with their internal snapshots), the internal snapshots of an image that is no head, and templates.
-- about: What nobody sees is in the report unused-backing. Bytes are guest bytes.
-- column: path | path | the backing file
-- column: readers | count | exactly so many
-- column: bytes | bytes | data of it that they see
-- column: saved_bytes | bytes | what copies for each of them would take more: bytes times (readers - 1)
SELECT s.path, s.readers, s.bytes, s.bytes * (s.readers - 1) AS saved_bytes
FROM v_sharing AS s
JOIN v_image AS i ON i.image_id = s.image_id
WHERE i.dependents > 0
ORDER BY s.path, s.image_id, s.readers;
