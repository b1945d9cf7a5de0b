-- SPDX-License-Identifier: MIT
-- title: The pairs of heads that share most
-- about: One row per two heads of a tree of backing files that read data from the same bytes of the same image, for the
-- about: pairs of each tree that share most. Bytes are guest bytes of the active states; internal snapshots do not count.
-- about: The numbers are exact. A tree has 32 rows at most, of the 32 heads that read most from images below them;
-- about: others_at_most is the most that a pair without a row may share: 0 where there are no others. A pair that shares
-- about: more is certainly one of those that share most. A tree that would take too long to compare has no rows.
-- column: base_path | path | the image at the bottom of both chains
-- column: head_path | path | an image that no image names as its backing file
-- column: other_path | path | another one
-- column: shared_bytes | bytes | data that both read from the same place
-- column: head_data_bytes | bytes | data that the first reads, over its whole chain
-- column: other_data_bytes | bytes | data that the second reads
-- column: others_at_most | bytes | no pair of this tree that has no row shares more
SELECT (SELECT c.layer_path FROM v_chain AS c WHERE c.image_id = p.image_id ORDER BY c.depth DESC LIMIT 1) AS base_path,
       p.path AS head_path, p.other_path, p.shared_bytes,
       (SELECT sum(data_bytes) FROM v_layer AS c WHERE c.image_id = p.image_id) AS head_data_bytes,
       (SELECT sum(data_bytes) FROM v_layer AS c WHERE c.image_id = p.other_id) AS other_data_bytes,
       p.others_at_most
FROM v_pair AS p
ORDER BY p.shared_bytes DESC, base_path, p.path, p.other_path, p.image_id, p.other_id;
