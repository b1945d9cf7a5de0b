-- SPDX-License-Identifier: MIT
-- title: How many readers see how much of each backing file
-- about: One row per backing file and number of readers: how much of its data exactly that many readers see. Readers are
-- about: heads (with their internal snapshots), the internal snapshots of an image that is no head, and templates.
-- about: Data that no reader sees is in the report unused-backing. Bytes are guest bytes.
-- column: path | path | the backing file
-- column: readers | count | number of readers
-- column: bytes | bytes | its data that exactly that many readers see
-- column: saved_bytes | bytes | what a copy for each reader would take in addition: bytes times (readers - 1)
SELECT s.path, s.readers, s.bytes, s.bytes * (s.readers - 1) AS saved_bytes
FROM v_sharing AS s
JOIN v_image AS i ON i.image_id = s.image_id
WHERE i.dependents > 0
ORDER BY s.path, s.image_id, s.readers;
