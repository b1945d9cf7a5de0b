-- SPDX-License-Identifier: MIT
-- title: The store at a glance
-- about: One row per number of the latest scan. A head is an image that no other image names as its backing file, a base
-- about: one that another names; stand-alone images are heads without a backing file. Bytes of data and zero are guest
-- about: bytes of the active states of all images, stored once however many chains use them; disk counts each host
-- about: file and each of its blocks once, as far as the host reports which blocks files share. Shared is data of backing
-- about: files that two or more readers see. Passed over are skipped files: they are no images, or were left out, by reason.
-- about: Sharing compares the forest with a flat copy of each head, in guest bytes of data: what all heads read, over all
-- about: depths of their chains (v_chain.data_bytes), and what the images of these chains hold, each once
-- about: (v_usage.data_bytes). Saved is the difference; it is negative where more is masked than is shared. Heads
-- about: whose chain is broken are left out, and so are internal snapshots, which a flat copy would not have.
-- about: Inventories are those that the scan read (imgaudit(1), INVENTORIES), with the time of the newest file of each.
-- about: A status without a row in unused backing has no images. Reclaimable is a sum of values that each hold for one image alone.
-- column: section | text | what the row is about
-- column: item | text | what is counted
-- column: value | unit | the value, in the unit of the next column
-- column: unit | text | bytes, count, flag, time or path
-- Each view is named once: each mention takes time when SQLite prepares the statement. Values of one row become lines by a
-- list of their places.
WITH latest AS (SELECT * FROM v_scan WHERE scan_id = (SELECT max(scan_id) FROM scan)),
scan_line (place, item, unit) AS (VALUES
    (1, 'number', 'count'), (2, 'started', 'time'), (3, 'finished', 'time'), (4, 'complete', 'flag'),
    (5, 'errors', 'count'), (6, 'entries walked', 'count'), (7, 'images parsed', 'count'),
    (8, 'images unchanged', 'count'), (9, 'images new', 'count'), (10, 'images changed', 'count'),
    (11, 'images renamed', 'count'), (12, 'images vanished', 'count')),
total AS (
    SELECT count(*) AS images, coalesce(sum(state NOT IN ('ok', 'broken-chain')), 0) AS unknown,
           coalesce(sum(state = 'broken-chain'), 0) AS broken, coalesce(sum(is_head), 0) AS heads,
           coalesce(sum(dependents > 0), 0) AS bases, coalesce(sum(is_head AND backing_name IS NULL), 0) AS alone,
           coalesce(max(chain_depth), 0) AS deepest, coalesce(sum(virtual_size), 0) AS virtual
    FROM v_image
),
total_line (section_place, place, section, item, unit) AS (VALUES
    (20, 1, 'images', 'all', 'count'), (20, 2, 'images', 'not understood', 'count'), (30, 1, 'chains', 'heads', 'count'),
    (30, 2, 'chains', 'bases', 'count'), (30, 3, 'chains', 'stand-alone', 'count'), (30, 4, 'chains', 'greatest depth', 'count'),
    (30, 5, 'chains', 'broken', 'count'), (40, 1, 'space', 'virtual', 'bytes')),
host AS (SELECT file_id FROM image UNION SELECT file_id FROM image_file WHERE file_id IS NOT NULL),
blocks AS (
    SELECT coalesce(sum(f.disk_size), 0) AS files, coalesce(sum(s.saved_bytes), 0) AS saved
    FROM file AS f LEFT JOIN file_sharing AS s ON s.file_id = f.file_id WHERE f.file_id IN (SELECT file_id FROM host)
),
block_line (place, item) AS (VALUES (2, 'disk'), (3, 'disk, counted per file'), (4, 'saved by shared blocks')),
account AS (
    SELECT coalesce(sum(data_bytes), 0) AS data, coalesce(sum(zero_bytes), 0) AS zero, coalesce(sum(metadata_bytes), 0) AS metadata,
           coalesce(sum(shared_bytes), 0) AS shared, coalesce(sum(masked_bytes), 0) AS masked
    FROM v_usage
),
account_line (place, item) AS (VALUES (5, 'data'), (6, 'zero'), (7, 'metadata'), (8, 'shared'), (9, 'masked')),
-- The chains of heads that are known completely.
whole AS (
    SELECT c.image_id, c.layer_id, c.data_bytes FROM chain AS c
    WHERE NOT EXISTS (SELECT 1 FROM image AS o WHERE o.backing_id = c.image_id)
      AND NOT EXISTS (SELECT 1 FROM chain AS k WHERE k.image_id = c.image_id AND k.data_bytes IS NULL)
),
flat_copies AS (
    SELECT (SELECT coalesce(sum(data_bytes), 0) FROM whole) AS flat,
           (SELECT coalesce(sum(data_bytes + compressed_bytes + encrypted_bytes + sparse_bytes), 0) FROM image_account
            WHERE image_id IN (SELECT layer_id FROM whole)) AS stored
),
flat_line (place, item) AS (VALUES (1, 'data of flat copies'), (2, 'data stored'), (3, 'saved by backing files')),
-- All candidates, and those of each kind.
kind (place, status, verdict) AS (VALUES
    (1, NULL, NULL), (3, 'unreferenced', 'proven'), (5, 'unreferenced', 'unproven'), (7, 'fully-masked', 'proven'),
    (9, 'fully-masked', 'unproven'), (11, 'partly-masked', 'proven'), (13, 'partly-masked', 'unproven')),
unused AS (
    SELECT k.place, coalesce(k.status || ', ' || k.verdict, 'all') AS item, count(u.path) AS rows,
           CASE k.place WHEN 1 THEN coalesce(sum(u.reclaimable_bytes), 0) ELSE sum(u.reclaimable_bytes) END AS bytes
    FROM kind AS k LEFT JOIN v_unused AS u ON k.status IS NULL OR (u.status = k.status AND u.verdict = k.verdict)
    GROUP BY k.place HAVING k.place = 1 OR count(u.path) > 0
),
-- One that was read from many files beside images is one.
inventories AS (
    SELECT 10 * row_number() OVER (ORDER BY source, min(place)) AS place,
           CASE WHEN count(*) = 1 THEN source || ' ' || place ELSE source || ', ' || count(*) || ' files' END AS item,
           sum(machines) AS machines, sum(claims) AS claims, sum(lost_claims) AS lost, max(newest) AS changed
    FROM v_inventory GROUP BY source, is_of_host, CASE WHEN is_of_host THEN place END
),
inventory_line (place, words, unit) AS (VALUES
    (0, ', machines', 'count'), (1, ', files that they use', 'count'), (2, ', of these not found', 'count'),
    (3, ', written to', 'time')),
unused_line (place, words, unit) AS (VALUES (0, '', 'count'), (1, ', reclaimable', 'bytes')),
severity (place, word, item) AS (VALUES (1, 'error', 'error'), (2, 'warning', 'warning'), (3, 'info', 'info'),
    (4, NULL, 'hiding references'), (5, NULL, 'accepted')),
line (place, rank, section, item, value, unit) AS (
    SELECT 10, n.place, 'scan', n.item,
           CASE n.place WHEN 1 THEN scan_id WHEN 2 THEN started WHEN 3 THEN finished WHEN 4 THEN complete
                        WHEN 5 THEN errors WHEN 6 THEN walked WHEN 7 THEN parsed WHEN 8 THEN unchanged
                        WHEN 9 THEN added WHEN 10 THEN changed WHEN 11 THEN renamed ELSE vanished END, n.unit
    FROM latest, scan_line AS n
    UNION ALL SELECT 15, 1, 'scan', 'root', value, 'path'
              FROM scan_option WHERE kind = 'root' AND scan_id = (SELECT max(scan_id) FROM scan)
    UNION ALL
    SELECT n.section_place, n.place, n.section, n.item,
           CASE n.section_place + n.place WHEN 21 THEN images WHEN 22 THEN unknown WHEN 31 THEN heads WHEN 32 THEN bases
                                          WHEN 33 THEN alone WHEN 34 THEN deepest WHEN 35 THEN broken ELSE virtual END,
           n.unit
    FROM total, total_line AS n
    UNION ALL SELECT 25, -count(*), 'images', format, count(*), 'count' FROM image GROUP BY format
    UNION ALL SELECT 40, n.place, 'space', n.item, CASE n.place WHEN 2 THEN files - saved WHEN 3 THEN files ELSE saved END, 'bytes'
              FROM blocks, block_line AS n
    UNION ALL SELECT 40, n.place, 'space', n.item, CASE n.place WHEN 5 THEN data WHEN 6 THEN zero WHEN 7 THEN metadata
                                                                WHEN 8 THEN shared ELSE masked END, 'bytes'
              FROM account, account_line AS n
    UNION ALL SELECT 45, n.place, 'sharing', n.item, CASE n.place WHEN 1 THEN flat WHEN 2 THEN stored ELSE flat - stored END, 'bytes'
              FROM flat_copies, flat_line AS n
    UNION ALL SELECT 50, u.place + n.place, 'unused backing', u.item || n.words,
                     CASE n.place WHEN 0 THEN u.rows ELSE u.bytes END, n.unit
              FROM unused AS u, unused_line AS n
    UNION ALL SELECT 55, v.place + n.place, 'inventories', v.item || n.words,
                     CASE n.place WHEN 0 THEN v.machines WHEN 1 THEN v.claims WHEN 2 THEN v.lost ELSE v.changed END, n.unit
              FROM inventories AS v, inventory_line AS n WHERE n.place < 2 OR (n.place = 2 AND v.lost > 0) OR (n.place = 3 AND v.changed IS NOT NULL)
    UNION ALL SELECT 60, s.place, 'findings', s.item, count(f.finding_id), 'count'
              FROM severity AS s LEFT JOIN finding AS f ON f.last_scan = (SELECT max(scan_id) FROM scan)
                   AND (f.accepted_by IS NOT NULL) = (s.place = 5)
                   AND CASE s.place WHEN 4 THEN f.doubt IS NOT NULL WHEN 5 THEN 1 ELSE f.severity = s.word END
              GROUP BY s.place HAVING s.place < 5 OR count(f.finding_id) > 0
    UNION ALL SELECT 70, -files, 'passed over', reason, files, 'count'
              FROM scan_passed WHERE scan_id = (SELECT max(scan_id) FROM scan)
)
SELECT section, item, value, unit FROM line ORDER BY place, rank, item, value;
