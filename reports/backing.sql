-- SPDX-License-Identifier: MIT
-- title: Backing files and who uses them
-- about: One row per image that at least one other image of the latest scan names as its backing file.
-- about: Images outside the scanned roots are unknown and not counted.
-- about: Columns that need the whole forest are empty for an image whose chain could not be analysed.
-- column: path | path | the backing file
-- column: format | text | its format
-- column: dependents | count | images that name it directly
-- column: descendants | count | images that reach it, directly or through others
-- column: heads | count | descendants that no image names as its backing file
-- column: machines | count | machines of inventories that use it, directly or through others
-- column: visible_bytes | bytes | its data that at least one head, or an internal snapshot of another image, reads
-- column: data_bytes | bytes | guest bytes of data that it holds
-- column: disk_size | bytes | blocks that its files take on the host
-- column: chain_depth | count | images below it in its own chain
SELECT i.path, i.format, i.dependents, u.descendants, u.heads,
       (SELECT count(DISTINCT c.machine_id) FROM claim AS c WHERE c.file_id IN (
            SELECT f.file_id FROM image AS f WHERE f.image_id = i.image_id
            UNION SELECT x.file_id FROM image_file AS x WHERE x.image_id = i.image_id
            UNION SELECT f.file_id FROM v_layer AS k JOIN image AS f ON f.image_id = k.image_id WHERE k.layer_id = i.image_id
            UNION SELECT x.file_id FROM v_layer AS k JOIN image_file AS x ON x.image_id = k.image_id WHERE k.layer_id = i.image_id)) AS machines,
       u.visible_bytes, u.data_bytes,
       (SELECT CASE WHEN NOT max(is_device) THEN sum(disk_size) END FROM file WHERE file_id IN (
            SELECT file_id FROM image_file AS x WHERE x.image_id = i.image_id
            UNION SELECT file_id FROM image AS m WHERE m.image_id = i.image_id)) AS disk_size,
       i.chain_depth
FROM v_image AS i
JOIN v_usage AS u ON u.image_id = i.image_id
WHERE i.dependents > 0
ORDER BY disk_size DESC, i.path, i.image_id;
