-- SPDX-License-Identifier: MIT
-- title: Where the space of each image goes
-- about: What the guest sees, what the format holds of it, what the host's blocks are for, and what of them could be
-- about: given back. One row per image of the latest scan. In guest bytes of the active state: allocated + zero +
-- about: unallocated = virtual_size. In blocks of the host: the eleven columns disk_* before disk_size add up to it,
-- about: exactly. A file that two images share counts for each. Accounts are empty where they are not known: the image
-- about: could not be mapped, changed while it was read, or the host does not tell its blocks.
-- about: Blocks that something else uses too (reflinks) are given back by nobody alone, and copying them takes new ones.
-- about: What of them is reclaimable is not told: reclaimable_bytes takes it for as much as it can be, and is certain;
-- about: reclaimable_at_most for as little.
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
-- column: disk_preallocated | bytes | blocks of all other kinds that were preallocated and never written; 0 where the host does not tell
-- column: disk_tail | bytes | unused blocks behind all that is used
-- column: disk_metadata | bytes | blocks of headers, mapping tables, refcounts, logs
-- column: disk_snapshots | bytes | blocks that only internal snapshots refer to, their machine states included
-- column: disk_bitmaps | bytes | blocks of dirty bitmaps
-- column: disk_filesystem | bytes | what the host counts besides: its own blocks for the file, blocks behind the file's end, preallocated ones where it does not tell them; less than 0 where it compresses
-- column: disk_size | bytes | blocks that its files take on the host
-- column: disk_shared | bytes | of disk_size, blocks that something else uses too, another place of the file included; empty where the host does not tell
-- column: reclaimable_bytes | bytes | zero_allocated + leaked + unused + unallocated + preallocated + tail, less disk_shared and what the host compresses; empty where the host does not tell these; preallocation may be on purpose
-- column: reclaimable_at_most | bytes | the same sum, as far as there are blocks that nothing else uses
-- column: suggestion | text | a command that gives most of that back; empty where nothing is sure to be given back, the image is or may be in use, or no command does it without a loss
-- column: metadata_bytes | bytes | host bytes of headers and tables and bitmaps, whether the host keeps blocks for them or not
-- column: compressed_host_bytes | bytes | host bytes that hold compressed data
-- column: disk_to_virtual | ratio | disk_size / virtual_size
-- column: allocated_to_virtual | ratio | allocated_bytes / virtual_size
-- column: disk_to_file | ratio | disk_size / file_size: 1 is not sparse on the host
WITH member AS (
    SELECT image_id, file_id FROM image
    UNION
    SELECT image_id, file_id FROM image_file WHERE file_id IS NOT NULL
),
host AS (
    SELECT m.image_id, sum(f.size) AS file_size, sum(f.disk_size) AS disk_size,
           CASE WHEN count(*) = count(h.shared_bytes) THEN sum(h.shared_bytes) END AS shared,
           CASE WHEN count(*) = count(h.shared_bytes) THEN sum(h.shared_bytes + h.encoded_bytes) END AS doubtful,
           min(f.links = 1) AS has_one_name  -- else its blocks stay when a copy takes its place
    FROM member AS m JOIN file AS f ON f.file_id = m.file_id LEFT JOIN v_file_blocks AS h ON h.file_id = m.file_id
    GROUP BY m.image_id
),
used AS (
    SELECT image_id, use, sum(bytes) AS length, sum(disk_bytes) AS blocks,
           sum(coalesce(unwritten_bytes, 0)) AS unwritten
    FROM file_space
    GROUP BY image_id, use
),
part AS ( -- blocks by use; those that were never written are taken out of every use, as a kind of their own
    SELECT image_id,
           sum((blocks - unwritten) * (use = 'data')) AS data,
           sum((blocks - unwritten) * (use = 'zero')) AS zero_allocated,
           sum((blocks - unwritten) * (use = 'leaked')) AS leaked,
           sum((blocks - unwritten) * (use = 'unused')) AS unused,
           sum((blocks - unwritten) * (use = 'unallocated')) AS unallocated,
           sum(unwritten) AS preallocated,
           sum((blocks - unwritten) * (use = 'tail')) AS tail,
           sum((blocks - unwritten) * (use = 'metadata')) AS metadata,
           sum((blocks - unwritten) * (use = 'snapshot')) AS snapshots,
           sum((blocks - unwritten) * (use = 'bitmap')) AS bitmaps,
           sum(blocks) AS told,
           sum(length * (use = 'leaked')) AS leaked_length,
           sum(length * (use = 'bitmap')) AS bitmaps_length,
           sum(length * (use = 'tail')) AS tail_length
    FROM used
    GROUP BY image_id
),
account AS (
    SELECT i.image_id, i.path, i.format, i.state, i.chain_ok, i.lock_state, d.virtual_size, d.cluster_size, d.version,
           d.compression, d.extended_l2, t.is_plain, t.can_be_trimmed, d.encrypted, d.dirty, d.corrupt, d.backing_name, d.backing_format,
           k.compressed_bytes, k.compressed_host, k.metadata_bytes, k.overlapping, h.file_size, h.disk_size, h.shared, h.doubtful, h.has_one_name,
           p.data, p.zero_allocated, p.leaked, p.unused, p.unallocated, p.preallocated, p.tail, p.metadata,
           p.snapshots, p.bitmaps, p.told, p.leaked_length, p.bitmaps_length, p.tail_length,
           CASE WHEN i.state = 'ok' THEN k.data_bytes + k.compressed_bytes + k.encrypted_bytes + k.sparse_bytes END
               AS allocated,
           CASE WHEN i.state = 'ok' THEN k.zero_bytes + k.zero_allocated_bytes END AS zero,
           p.zero_allocated + p.leaked + p.unused + p.unallocated + p.preallocated + p.tail AS held_for_nothing,
           max(p.zero_allocated, p.leaked, p.unused, p.unallocated, p.preallocated, p.tail) AS largest,
           b.format AS backing_is,
           (SELECT mtime_ns FROM file AS m WHERE m.file_id = i.file_id) AS mtime_ns,
           '''' || replace(i.path, '''', '''\''''') || '''' AS quoted,
           '''' || replace(i.path || '.new', '''', '''\''''') || '''' AS quoted_new
    FROM image AS i
    JOIN image_header AS d ON d.image_id = i.image_id
    JOIN image_ability AS t ON t.image_id = i.image_id
    JOIN image_account AS k ON k.image_id = i.image_id
    JOIN host AS h ON h.image_id = i.image_id
    LEFT JOIN part AS p ON p.image_id = i.image_id
    LEFT JOIN image AS b ON b.image_id = i.backing_id
),
fit AS ( -- what a command must not lose
    SELECT a.image_id,
           a.state = 'ok' AND a.chain_ok AND a.lock_state = 'none' AND NOT a.corrupt AND NOT a.dirty
           AND NOT coalesce(a.overlapping, 0)
           AND coalesce(a.held_for_nothing > a.doubtful, 0) AS at_rest,
           NOT EXISTS (SELECT 1 FROM reference AS r WHERE r.image_id = a.image_id AND r.kind IN ('data-file', 'extent')) AS one_file,
           a.has_one_name AS replaceable,
           -- all that is written anew is there again: no snapshots, bitmaps, keys, and nothing is compressed
           NOT EXISTS (SELECT 1 FROM mapping AS m WHERE m.image_id = a.image_id AND m.snapshot IS NOT NULL)
           AND a.bitmaps_length = 0 AND NOT a.encrypted AND a.compressed_bytes = 0
           AND (a.backing_name IS NULL OR coalesce(a.backing_format, a.backing_is) IS NOT NULL) AS writable_anew
    FROM account AS a
)
SELECT a.path, a.format, a.virtual_size,
       a.allocated AS allocated_bytes,
       a.zero AS zero_bytes,
       a.virtual_size - a.allocated - a.zero AS unallocated_bytes,
       a.file_size,
       a.data AS disk_data,
       a.zero_allocated AS disk_zero_allocated,
       a.leaked AS disk_leaked,
       a.unused AS disk_unused,
       a.unallocated AS disk_unallocated,
       a.preallocated AS disk_preallocated,
       a.tail AS disk_tail,
       a.metadata AS disk_metadata,
       a.snapshots AS disk_snapshots,
       a.bitmaps AS disk_bitmaps,
       a.disk_size - a.told AS disk_filesystem,
       a.disk_size,
       a.shared AS disk_shared,
       max(a.held_for_nothing - a.doubtful, 0) AS reclaimable_bytes,
       min(a.held_for_nothing, max(a.disk_size - coalesce(a.shared, 0), 0)) AS reclaimable_at_most,
       CASE
           WHEN NOT f.at_rest THEN NULL
           WHEN a.is_plain AND f.one_file AND f.replaceable AND a.preallocated > a.doubtful
               THEN 'cp --preserve=all --sparse=always ' || a.quoted || ' ' || a.quoted_new
           WHEN NOT a.can_be_trimmed THEN NULL
           WHEN a.leaked = a.largest AND a.leaked > a.doubtful THEN 'qemu-img check -r leaks -f ' || a.format || ' ' || a.quoted
           WHEN NOT f.one_file THEN NULL
           -- QEMU's locks do not stop it: what a guest wrote since the scan may lie where the tail was.
           WHEN a.tail = a.largest AND a.tail > a.doubtful AND a.leaked_length = 0 AND a.mtime_ns >= 0
               THEN '[ "$(LC_ALL=C stat -c %.9Y ' || a.quoted || ')" = '
                    || printf('%d.%09d', a.mtime_ns / 1000000000, a.mtime_ns % 1000000000)
                    || ' ] && truncate -s ' || (a.file_size - a.tail_length) || ' ' || a.quoted
           WHEN f.writable_anew AND f.replaceable
               THEN 'qemu-img convert -f ' || a.format || ' -O ' || a.format || ' -o cluster_size=' || a.cluster_size
                    || CASE WHEN a.version = 2 THEN ',compat=0.10' ELSE '' END
                    || CASE WHEN a.compression <> 'zlib' THEN ',compression_type=' || a.compression ELSE '' END
                    || CASE WHEN a.extended_l2 THEN ',extended_l2=on' ELSE '' END
                    || CASE WHEN a.backing_name IS NOT NULL
                            THEN ' -B ''' || replace(a.backing_name, '''', '''\''''') || ''' -F '''
                                 || replace(coalesce(a.backing_format, a.backing_is), '''', '''\''''') || ''''
                            ELSE '' END
                    || ' ' || a.quoted || ' ' || a.quoted_new
       END AS suggestion,
       a.metadata_bytes,
       CASE WHEN a.state = 'ok' THEN a.compressed_host END AS compressed_host_bytes,
       round(1.0 * a.disk_size / nullif(a.virtual_size, 0), 4) AS disk_to_virtual,
       round(1.0 * a.allocated / nullif(a.virtual_size, 0), 4) AS allocated_to_virtual,
       round(1.0 * a.disk_size / nullif(a.file_size, 0), 4) AS disk_to_file
FROM account AS a
JOIN fit AS f ON f.image_id = a.image_id
ORDER BY a.disk_size DESC, a.path, a.image_id;
