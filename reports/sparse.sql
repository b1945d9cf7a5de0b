-- SPDX-License-Identifier: MIT
-- title: Where the space of each image goes
-- about: What the guest sees, what the format holds of it, what the host's blocks are used for, and how many of them
-- about: could be given back. One row per image of the latest scan. Guest bytes of the active state: allocated + zero +
-- about: unallocated = virtual_size. In blocks of the host: the eleven columns disk_* before disk_size add up to it,
-- about: exactly. A file that two images share counts for each. Accounts are empty where they are unknown: the image
-- about: could not be mapped, changed while it was read, or the host does not report its blocks. Those of a block device are
-- about: elsewhere: of one, its length and its tail are known.
-- about: Blocks that something else uses too (reflinks) are not given back by one image alone, and a copy takes new ones.
-- about: How many of them are reclaimable is unknown: reclaimable_bytes is the least, reclaimable_at_most the most. Leaked
-- about: blocks of an image with the finding empty-l2-table may be the guest's: they count for the latter alone.
-- column: path | path | the image
-- column: format | text | its format
-- column: virtual_size | bytes | size of the guest's disk
-- column: allocated_bytes | bytes | guest bytes that the format holds as data, compressed and encrypted ones included
-- column: zero_bytes | bytes | guest bytes that the format holds as zeroes
-- column: unallocated_bytes | bytes | guest bytes that the format does not hold
-- column: file_size | bytes | length of its files on the host
-- column: disk_data | bytes | blocks of the active state's data
-- column: disk_zero_allocated | bytes | blocks kept for guest bytes that read as zeroes without them
-- column: disk_leaked | bytes | blocks that the format counts as in use and that nothing refers to
-- column: disk_unused | bytes | blocks that the format neither counts nor refers to, inside of what is used
-- column: disk_unallocated | bytes | blocks kept behind guest bytes that the active state does not hold
-- column: disk_preallocated | bytes | blocks of all other kinds that were preallocated and never written; 0 where the host does not report it
-- column: disk_tail | bytes | unused blocks behind all that is used; of a block device its bytes there
-- column: disk_metadata | bytes | blocks of headers, mapping tables, refcounts, logs
-- column: disk_snapshots | bytes | blocks that only internal snapshots refer to, their machine states included
-- column: disk_bitmaps | bytes | blocks of dirty bitmaps
-- column: disk_filesystem | bytes | all other blocks: the file system's own for the file, blocks behind the file's end, preallocated ones where the host does not report them; negative where the host compresses
-- column: disk_size | bytes | blocks that its files take on the host
-- column: disk_shared | bytes | part of disk_size: blocks that something else uses too, another place of the file included; empty: unknown (no FIEMAP)
-- column: reclaimable_bytes | bytes | zero_allocated + leaked + unused + unallocated + preallocated + tail, less disk_shared and what the host compresses; empty where the host does not report these; preallocation may be on purpose
-- column: reclaimable_at_most | bytes | the same sum, at most the blocks that nothing else uses
-- column: suggestion | advice | a command that gives most of that back; empty where nothing is certain to be given back, the image is or may be in use, or no command does it without a loss
-- column: metadata_bytes | bytes | host bytes of headers and tables and bitmaps, whether the host keeps blocks for them or not
-- column: compressed_host_bytes | bytes | host bytes that hold compressed data
-- column: disk_to_virtual | ratio | disk_size / virtual_size
-- column: allocated_to_virtual | ratio | allocated_bytes / virtual_size
-- column: disk_to_file | ratio | disk_size / file_size: 1 is not sparse on the host
WITH member AS (
    SELECT image_id, file_id FROM image UNION SELECT image_id, file_id FROM image_file WHERE file_id IS NOT NULL
),
host AS (
    SELECT m.image_id, sum(f.size) AS file_size, CASE WHEN NOT max(f.is_device) THEN sum(f.disk_size) END AS disk_size,
           CASE WHEN count(*) = count(h.shared_bytes) THEN sum(h.shared_bytes) END AS disk_shared,
           CASE WHEN count(*) = count(h.shared_bytes) THEN sum(h.shared_bytes + h.encoded_bytes) END AS doubtful,
           min(f.links = 1) AS has_one_name  -- else its blocks stay when a copy takes its place
    FROM member AS m JOIN file AS f ON f.file_id = m.file_id LEFT JOIN v_file_blocks AS h ON h.file_id = m.file_id
    GROUP BY m.image_id
),
held AS ( -- all blocks, and those that are held for nothing
    SELECT k.image_id, b.disk_data, b.disk_zero_allocated, b.disk_leaked, b.disk_unused, b.disk_unallocated,
           b.disk_preallocated, b.disk_tail, b.disk_metadata, b.disk_snapshots, b.disk_bitmaps, b.disk_bytes,
           disk_zero_allocated + disk_leaked + disk_unused + disk_unallocated + disk_preallocated + disk_tail AS blocks,
           -- what leaked may be the guest's data that a lost table named
           CASE WHEN k.may_be_lost THEN disk_leaked ELSE 0 END AS doubtful,
           max(disk_zero_allocated, disk_leaked, disk_unused, disk_unallocated, disk_preallocated, disk_tail) AS largest
    FROM image_account AS k LEFT JOIN v_image_blocks AS b ON b.image_id = k.image_id
),
extra AS ( -- bytes of files, whether the host has blocks for them or not
    SELECT image_id, sum(bytes * (use = 'leaked')) AS leaked, sum(bytes * (use = 'bitmap')) AS bitmaps,
           sum(bytes * (use = 'tail')) AS tail FROM file_space GROUP BY image_id
),
fit AS ( -- what a command must not lose
    SELECT i.image_id,
           i.state = 'ok' AND i.chain_ok AND NOT d.corrupt AND NOT d.dirty AND NOT coalesce(k.overlapping, 0) AND NOT k.may_be_lost
           AND (SELECT u.in_use FROM v_in_use AS u WHERE u.image_id = i.image_id) = 0 AS at_rest,
           NOT EXISTS (SELECT 1 FROM reference AS r WHERE r.image_id = i.image_id AND r.kind IN ('data-file', 'extent')) AS one_file,
           -- all that is written anew is there again: no snapshots, bitmaps, keys, and nothing is compressed
           NOT EXISTS (SELECT 1 FROM mapping AS m WHERE m.image_id = i.image_id AND m.snapshot IS NOT NULL)
           AND NOT d.encrypted AND k.compressed_bytes = 0
           AND (d.backing_name IS NULL OR coalesce(d.backing_format, b.format) IS NOT NULL) AS writable_anew,
           coalesce(d.backing_name, '') || char(0) || coalesce(d.backing_format, b.format, '') AS backing
    FROM image AS i JOIN image_header AS d ON d.image_id = i.image_id JOIN image_account AS k ON k.image_id = i.image_id
    LEFT JOIN image AS b ON b.image_id = i.backing_id
),
advice AS (
    SELECT i.image_id,
           CASE
           WHEN t.is_plain AND f.one_file AND h.has_one_name AND e.disk_preallocated > h.doubtful THEN 'copy-sparsely' || char(0) || i.path
           WHEN NOT t.can_be_trimmed THEN NULL
           WHEN e.disk_leaked = e.largest AND e.disk_leaked > h.doubtful
               THEN 'repair-leaks' || char(0) || i.format || char(0) || i.path
           WHEN NOT f.one_file THEN NULL
           WHEN e.disk_tail = e.largest AND e.disk_tail > h.doubtful AND x.leaked = 0 AND m.mtime_ns >= 0
               THEN 'cut-tail' || char(0) || i.path || char(0) || m.mtime_ns || char(0) || (h.file_size - x.tail)
           WHEN f.writable_anew AND x.bitmaps = 0 AND h.has_one_name
               THEN 'convert' || char(0) || i.format || char(0) || i.path || char(0) || d.cluster_size || char(0)
                    || coalesce(d.version, '') || char(0) || coalesce(d.compression, '') || char(0) || d.extended_l2
                    || char(0) || f.backing
           END AS suggestion
    FROM image AS i JOIN image_header AS d ON d.image_id = i.image_id JOIN image_ability AS t ON t.image_id = i.image_id
    JOIN file AS m ON m.file_id = i.file_id JOIN host AS h ON h.image_id = i.image_id
    JOIN held AS e ON e.image_id = i.image_id
    JOIN extra AS x ON x.image_id = i.image_id JOIN fit AS f ON f.image_id = i.image_id
    WHERE f.at_rest AND e.blocks > h.doubtful
),
guest AS ( -- of images that could be mapped
    SELECT k.image_id, k.data_bytes + k.compressed_bytes + k.encrypted_bytes + k.sparse_bytes AS allocated_bytes,
           k.zero_bytes + k.zero_allocated_bytes AS zero_bytes, k.compressed_host AS compressed_host_bytes
    FROM image_account AS k JOIN image AS i ON i.image_id = k.image_id WHERE i.state = 'ok'
)
SELECT i.path, i.format, d.virtual_size, g.allocated_bytes, g.zero_bytes,
       d.virtual_size - g.allocated_bytes - g.zero_bytes AS unallocated_bytes, h.file_size,
       e.disk_data, e.disk_zero_allocated, e.disk_leaked, e.disk_unused, e.disk_unallocated, e.disk_preallocated,
       e.disk_tail, e.disk_metadata, e.disk_snapshots, e.disk_bitmaps,
       h.disk_size - e.disk_bytes AS disk_filesystem, h.disk_size, h.disk_shared,
       max(e.blocks - e.doubtful - h.doubtful, 0) AS reclaimable_bytes,
       min(e.blocks, max(h.disk_size - coalesce(h.disk_shared, 0), 0)) AS reclaimable_at_most,
       a.suggestion, k.metadata_bytes, g.compressed_host_bytes,
       round(1.0 * h.disk_size / nullif(d.virtual_size, 0), 4) AS disk_to_virtual,
       round(1.0 * g.allocated_bytes / nullif(d.virtual_size, 0), 4) AS allocated_to_virtual,
       round(1.0 * h.disk_size / nullif(h.file_size, 0), 4) AS disk_to_file
FROM image AS i
JOIN image_header AS d ON d.image_id = i.image_id JOIN image_account AS k ON k.image_id = i.image_id
JOIN host AS h ON h.image_id = i.image_id
LEFT JOIN held AS e ON e.image_id = i.image_id
LEFT JOIN guest AS g ON g.image_id = i.image_id
LEFT JOIN advice AS a ON a.image_id = i.image_id
ORDER BY h.disk_size DESC, i.path, i.image_id;
