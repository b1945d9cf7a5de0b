-- SPDX-License-Identifier: MIT
-- title: What files share on the host, and what deleting them frees
-- about: One row per file of an image, in the latest scan, that has several hard links, or whose deletion frees less than
-- about: it takes: it shares blocks with something else (reflinks), or may do so. Deleting any other file frees all of its
-- about: disk_size.
-- about: Bytes are those of the file, as disk_size counts them: exclusive + shared = disk_size, and freed is the part of
-- about: exclusive that is certain to become free. Blocks that several files share are freed with the last of them,
-- about: which may be outside the roots: sums over rows are not meaningful.
-- about: Each file of a group has blocks in common with at least one other file of it.
-- about: disk_size - saved_bytes, over all files, is what they take on the host together: the row `disk` of --summary.
-- about: What files share is unknown where a file system has no FIEMAP (NFS, ZFS, FUSE); so is what LVM, a storage array
-- about: or the like share below the file system.
-- column: path | path | the file, by its first name
-- column: disk_size | bytes | blocks that it takes on the host, as if it shared none
-- column: exclusive_bytes | bytes | in blocks that nothing else uses; empty: unknown (no FIEMAP)
-- column: shared_bytes | bytes | in blocks that another file uses too, or another place of this one
-- column: unmatched_bytes | bytes | part of shared_bytes that no other known file of the store uses: the partner is outside the roots
-- column: saved_bytes | bytes | part of shared_bytes that is counted already with a file of the group that comes before it by path
-- column: freed_bytes | bytes | what deleting it, by all names that the scan found, frees for certain; empty: unknown
-- column: names | count | hard links that the scan found
-- column: links | count | hard links that there are
-- column: partners | count | other files of the store in its group
-- column: partner_paths | text | the first three of them
-- column: why | text | why deleting it frees less than it takes
WITH member AS (
    SELECT h.group_id, h.file_id, h.path, h.saved_bytes, row_number() OVER (PARTITION BY h.group_id ORDER BY h.path) AS place
    FROM v_file_blocks AS h WHERE h.group_id IS NOT NULL
),
-- A group, with the four files of which every member finds three others.
team AS (
    SELECT group_id, count(*) AS members, sum(saved_bytes) AS saved,
           max(path) FILTER (WHERE place = 1) AS one, max(path) FILTER (WHERE place = 2) AS two,
           max(path) FILTER (WHERE place = 3) AS three, max(path) FILTER (WHERE place = 4) AS four
    FROM member GROUP BY group_id
)
SELECT h.path, h.disk_size, h.exclusive_bytes, h.shared_bytes, h.unmatched_bytes, h.saved_bytes, h.freed_bytes, h.names,
       h.links,
       coalesce(t.members - 1, 0) AS partners,
       CASE m.place WHEN 1 THEN t.two || coalesce(', ' || t.three, '') || coalesce(', ' || t.four, '')
                    WHEN 2 THEN t.one || coalesce(', ' || t.three, '') || coalesce(', ' || t.four, '')
                    WHEN 3 THEN t.one || ', ' || t.two || coalesce(', ' || t.four, '')
                    ELSE t.one || ', ' || t.two || ', ' || t.three END AS partner_paths,
       CASE WHEN h.freed_bytes = h.disk_size THEN NULL ELSE
       substr(CASE WHEN h.links IS NULL THEN '; unknown until the next scan' ELSE '' END
              || CASE WHEN h.links > h.names
                 THEN '; ' || (h.links - h.names) || ' of its names were not found by the scan' ELSE '' END
              || CASE WHEN h.links IS NOT NULL AND h.shared_bytes IS NULL
                 THEN '; the host does not report what it shares' ELSE '' END
              || CASE WHEN h.shared_bytes > 0 THEN '; something else uses some of its blocks' ELSE '' END
              || CASE WHEN h.encoded_bytes > 0
                 THEN '; the host compresses it and does not report by how much' ELSE '' END, 3) END AS why
FROM v_file_blocks AS h
LEFT JOIN member AS m ON m.file_id = h.file_id
LEFT JOIN team AS t ON t.group_id = h.group_id
WHERE h.freed_bytes IS NOT h.disk_size OR h.links > 1
ORDER BY t.saved DESC, t.one, h.path, h.file_id;
