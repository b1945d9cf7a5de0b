-- SPDX-License-Identifier: MIT
-- title: The groups of heads that share most
-- about: One row per backing file that two or more readers share data of: its heads are a group. Readers are heads (with
-- about: their internal snapshots), the internal snapshots of an image that is no head, and templates. Bytes are guest bytes.
-- column: path | path | the backing file
-- column: heads | count | images that reach it and that no image names as its backing file
-- column: widest | count | the greatest number of readers of any of its bytes
-- column: widest_bytes | bytes | data with that many readers
-- column: shared_bytes | bytes | data that two or more readers see
-- column: exclusive_bytes | bytes | data that exactly one reader sees
-- column: masked_bytes | bytes | data that no reader sees
-- column: saved_bytes | bytes | what a copy for each reader would take in addition to the one copy that there is; masked data is not subtracted
SELECT u.path, u.heads,
       (SELECT max(s.readers) FROM v_sharing AS s WHERE s.image_id = u.image_id) AS widest,
       (SELECT s.bytes FROM v_sharing AS s WHERE s.image_id = u.image_id ORDER BY s.readers DESC LIMIT 1) AS widest_bytes,
       u.shared_bytes, u.exclusive_bytes, u.masked_bytes,
       (SELECT sum(s.bytes * (s.readers - 1)) FROM v_sharing AS s WHERE s.image_id = u.image_id) AS saved_bytes
FROM v_usage AS u
WHERE u.shared_bytes > 0
ORDER BY saved_bytes DESC, u.path, u.image_id;
