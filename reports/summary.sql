-- SPDX-License-Identifier: MIT
-- title: The store at a glance
-- about: One row per number of the latest scan. A head is an image that no other image names as its backing file, a base
-- about: one that another names; stand-alone images are heads without a backing file. Bytes of data and zero are guest
-- about: bytes of the active states of all images, stored once however many chains use them; disk counts each host
-- about: file and each of its blocks once, as far as the host tells which blocks files share. Shared is data of backing files that two or more readers see. Passed over are files that are no
-- about: images, by reason.
-- about: Sharing compares the forest with a flat copy of each head, in guest bytes of data: what all heads read, over all
-- about: depths of their chains (v_chain.data_bytes), and what the images of these chains hold, each once
-- about: (v_usage.data_bytes). Saved is the difference; it is less than nothing where more is masked than is shared. Heads
-- about: whose chain is broken are left out, and so are internal snapshots, which a flat copy would not have.
-- about: Of unused backing, statuses without a row have none. Reclaimable is the sum over rows that each hold by
-- about: themselves.
-- include: unused-backing
-- column: section | text | what the row is about
-- column: item | text | what is counted
-- column: value | unit | the value, in the unit of the next column
-- column: unit | text | bytes, count, flag, time or path
WITH latest AS (SELECT * FROM v_scan WHERE scan_id = (SELECT max(scan_id) FROM scan)),
severity (rank, word) AS (VALUES (1, 'error'), (2, 'warning'), (3, 'info')),
rank (rank, status, verdict) AS (VALUES (3, 'unreferenced', 'proven'), (5, 'unreferenced', 'unproven'),
                                        (7, 'contributes-nothing', 'proven'), (9, 'contributes-nothing', 'unproven'),
                                        (11, 'partly-masked', 'proven'), (13, 'partly-masked', 'unproven')),
unused AS MATERIALIZED (
    SELECT r.rank, r.status || ', ' || r.verdict AS item, count(*) AS rows, sum(u.reclaimable_bytes) AS bytes
    FROM unused_backing AS u JOIN rank AS r ON r.status = u.status AND r.verdict = u.verdict
    GROUP BY r.rank
),
host AS (SELECT file_id FROM image UNION SELECT file_id FROM image_file WHERE file_id IS NOT NULL),
blocks AS (
    SELECT coalesce(sum(f.disk_size), 0) AS files, coalesce(sum(s.saved_bytes), 0) AS saved
    FROM file AS f LEFT JOIN file_sharing AS s ON s.file_id = f.file_id
    WHERE f.file_id IN (SELECT file_id FROM host)
),
total AS (
    SELECT count(*) AS images,
           coalesce(sum(state NOT IN ('ok', 'broken-chain')), 0) AS unknown,
           coalesce(sum(state = 'broken-chain'), 0) AS broken,
           coalesce(sum(is_head), 0) AS heads,
           coalesce(sum(dependents > 0), 0) AS bases,
           coalesce(sum(is_head AND backing_name IS NULL), 0) AS alone,
           coalesce(max(chain_depth), 0) AS deepest,
           coalesce(sum(virtual_size), 0) AS virtual
    FROM v_image
),
account AS (
    SELECT coalesce(sum(data_bytes), 0) AS data, coalesce(sum(zero_bytes), 0) AS zero,
           coalesce(sum(metadata_bytes), 0) AS metadata, coalesce(sum(shared_bytes), 0) AS shared,
           coalesce(sum(masked_bytes), 0) AS masked
    FROM v_usage
),
whole AS (SELECT i.image_id FROM v_image AS i WHERE i.is_head
          AND NOT EXISTS (SELECT 1 FROM chain AS c WHERE c.image_id = i.image_id AND c.data_bytes IS NULL)),
flat_copies AS (
    SELECT (SELECT coalesce(sum(c.data_bytes), 0) FROM chain AS c WHERE c.image_id IN (SELECT image_id FROM whole)) AS flat,
           (SELECT coalesce(sum(data_bytes), 0) FROM v_usage WHERE image_id IN (
                SELECT c.layer_id FROM chain AS c WHERE c.image_id IN (SELECT image_id FROM whole))) AS stored
),
line (place, rank, section, item, value, unit) AS (
    SELECT 10, 1, 'scan', 'number', scan_id, 'count' FROM latest
    UNION ALL SELECT 10, 2, 'scan', 'started', started, 'time' FROM latest
    UNION ALL SELECT 10, 3, 'scan', 'finished', finished, 'time' FROM latest
    UNION ALL SELECT 10, 4, 'scan', 'complete', complete, 'flag' FROM latest
    UNION ALL SELECT 10, 5, 'scan', 'errors', errors, 'count' FROM latest
    UNION ALL SELECT 10, 6, 'scan', 'entries walked', walked, 'count' FROM latest
    UNION ALL SELECT 10, 7, 'scan', 'images parsed', parsed, 'count' FROM latest
    UNION ALL SELECT 10, 8, 'scan', 'images unchanged', unchanged, 'count' FROM latest
    UNION ALL SELECT 10, 9, 'scan', 'images new', added, 'count' FROM latest
    UNION ALL SELECT 10, 10, 'scan', 'images changed', changed, 'count' FROM latest
    UNION ALL SELECT 10, 11, 'scan', 'images renamed', renamed, 'count' FROM latest
    UNION ALL SELECT 10, 12, 'scan', 'images vanished', vanished, 'count' FROM latest
    UNION ALL SELECT 15, 1, 'scan', 'root', value, 'path'
              FROM scan_option WHERE kind = 'root' AND scan_id = (SELECT scan_id FROM latest)
    UNION ALL SELECT 20, 1, 'images', 'all', images, 'count' FROM total
    UNION ALL SELECT 20, 2, 'images', 'not understood', unknown, 'count' FROM total
    UNION ALL SELECT 25, -count(*), 'images', format, count(*), 'count' FROM image GROUP BY format
    UNION ALL SELECT 30, 1, 'chains', 'heads', heads, 'count' FROM total
    UNION ALL SELECT 30, 2, 'chains', 'bases', bases, 'count' FROM total
    UNION ALL SELECT 30, 3, 'chains', 'stand-alone', alone, 'count' FROM total
    UNION ALL SELECT 30, 4, 'chains', 'greatest depth', deepest, 'count' FROM total
    UNION ALL SELECT 30, 5, 'chains', 'broken', broken, 'count' FROM total
    UNION ALL SELECT 40, 1, 'space', 'virtual', virtual, 'bytes' FROM total
    UNION ALL SELECT 40, 2, 'space', 'disk', files - saved, 'bytes' FROM blocks
    UNION ALL SELECT 40, 3, 'space', 'disk, counted per file', files, 'bytes' FROM blocks
    UNION ALL SELECT 40, 4, 'space', 'saved by shared blocks', saved, 'bytes' FROM blocks
    UNION ALL SELECT 40, 5, 'space', 'data', data, 'bytes' FROM account
    UNION ALL SELECT 40, 6, 'space', 'zero', zero, 'bytes' FROM account
    UNION ALL SELECT 40, 7, 'space', 'metadata', metadata, 'bytes' FROM account
    UNION ALL SELECT 40, 8, 'space', 'shared', shared, 'bytes' FROM account
    UNION ALL SELECT 40, 9, 'space', 'masked', masked, 'bytes' FROM account
    UNION ALL SELECT 45, 1, 'sharing', 'data of flat copies', flat, 'bytes' FROM flat_copies
    UNION ALL SELECT 45, 2, 'sharing', 'data stored', stored, 'bytes' FROM flat_copies
    UNION ALL SELECT 45, 3, 'sharing', 'saved by backing files', flat - stored, 'bytes' FROM flat_copies
    UNION ALL SELECT 50, 1, 'unused backing', 'all', coalesce(sum(rows), 0), 'count' FROM unused
    UNION ALL SELECT 50, 2, 'unused backing', 'all, reclaimable', coalesce(sum(bytes), 0), 'bytes' FROM unused
    UNION ALL SELECT 50, rank, 'unused backing', item, rows, 'count' FROM unused
    UNION ALL SELECT 50, rank + 1, 'unused backing', item || ', reclaimable', bytes, 'bytes' FROM unused
    UNION ALL SELECT 60, s.rank, 'findings', s.word, count(f.severity), 'count'
              FROM severity AS s LEFT JOIN v_finding AS f ON f.severity = s.word
              GROUP BY s.rank
    UNION ALL SELECT 60, 4, 'findings', 'hiding references', coalesce(sum(hides <> 0), 0), 'count' FROM v_finding
    UNION ALL SELECT 70, -files, 'passed over', reason, files, 'count'
              FROM scan_passed WHERE scan_id = (SELECT scan_id FROM latest)
)
SELECT section, item, value, unit
FROM line
ORDER BY place, rank, item, value;
