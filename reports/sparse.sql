-- SPDX-License-Identifier: MIT
-- title: Where the space of each image goes
-- about: What the guest sees, what the format holds of it, and what that takes on the host. One row per image of the
-- about: latest scan. allocated + zero + unallocated = virtual size, in guest bytes, of the active state: what only
-- about: internal snapshots hold shows in the host's columns alone. A file that two images share counts for each.
-- about: Accounts are empty where the image could not be mapped.
-- column: path | path | the image
-- column: format | text | its format
-- column: virtual_size | bytes | size of the guest's disk
-- column: allocated_bytes | bytes | guest bytes that the format holds as data, compressed and encrypted ones included
-- column: zero_bytes | bytes | guest bytes that the format holds as zeroes
-- column: unallocated_bytes | bytes | guest bytes that the format does not hold
-- column: file_size | bytes | length of its files on the host
-- column: disk_size | bytes | blocks that its files take on the host
-- column: metadata_bytes | bytes | host bytes of headers and tables; empty where the format has none
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
    SELECT m.image_id, sum(f.size) AS file_size, sum(f.disk_size) AS disk_size
    FROM member AS m JOIN file AS f ON f.file_id = m.file_id
    GROUP BY m.image_id
),
account AS (
    SELECT image_id, path, format, virtual_size,
           CASE WHEN state = 'ok' THEN data_bytes + compressed_bytes + encrypted_bytes + sparse_bytes END AS allocated,
           CASE WHEN state = 'ok' THEN zero_bytes + zero_allocated_bytes END AS zero,
           metadata_bytes,
           CASE WHEN state = 'ok' THEN compressed_host END AS compressed_host
    FROM image
)
SELECT a.path, a.format, a.virtual_size,
       a.allocated AS allocated_bytes,
       a.zero AS zero_bytes,
       a.virtual_size - a.allocated - a.zero AS unallocated_bytes,
       h.file_size, h.disk_size, a.metadata_bytes,
       a.compressed_host AS compressed_host_bytes,
       round(1.0 * h.disk_size / nullif(a.virtual_size, 0), 4) AS disk_to_virtual,
       round(1.0 * a.allocated / nullif(a.virtual_size, 0), 4) AS allocated_to_virtual,
       round(1.0 * h.disk_size / nullif(h.file_size, 0), 4) AS disk_to_file
FROM account AS a
JOIN host AS h ON h.image_id = a.image_id
ORDER BY h.disk_size DESC, a.path, a.image_id;
