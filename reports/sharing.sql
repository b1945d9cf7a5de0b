-- SPDX-License-Identifier: MIT
-- title: What heads share through their backing files
-- about: One row per backing file and head that reaches it. Bytes are guest bytes. Internal snapshots are no heads
-- about: and have no row, but what they read counts in base_shared_bytes and base_exclusive_bytes.
-- about: Heads outside the scanned roots are unknown.
-- column: base_path | path | the backing file
-- column: head_path | path | an image that no image names as its backing file and whose chain passes through the base
-- column: depth | count | depth of the base in that chain; 1 is the head's own backing file
-- column: seen_bytes | bytes | what the head gets from the base, zeroes and holes included
-- column: seen_data_bytes | bytes | data that the head gets from the base
-- column: heads | count | heads whose chain passes through the base
-- column: readers | count | heads among them that get at least one byte of data from it
-- column: base_data_bytes | bytes | data that the base holds
-- column: base_exclusive_bytes | bytes | its data that exactly one reader sees
-- column: base_shared_bytes | bytes | its data that two or more readers see
SELECT c.layer_path AS base_path, c.path AS head_path, c.depth,
       c.visible_bytes AS seen_bytes, c.data_bytes AS seen_data_bytes,
       count(*) OVER base AS heads,
       sum(coalesce(c.data_bytes, 0) > 0) OVER base AS readers,
       u.data_bytes AS base_data_bytes, u.exclusive_bytes AS base_exclusive_bytes,
       u.shared_bytes AS base_shared_bytes
FROM v_chain AS c
JOIN v_image AS h ON h.image_id = c.image_id AND h.is_head
JOIN v_usage AS u ON u.image_id = c.layer_id
WHERE c.depth > 0
WINDOW base AS (PARTITION BY c.layer_id)
ORDER BY c.layer_path, c.layer_id, c.path, c.image_id;
