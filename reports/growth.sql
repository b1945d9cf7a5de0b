-- SPDX-License-Identifier: MIT
-- title: What grew, came and went
-- about: Images that differ between an earlier scan and the latest one: by default the one before it. Images are
-- about: compared by path, so a renamed one has vanished and is new. Images that did not change have no row.
-- parameter: :since | the number of the earlier scan, or a time as in v_scan.started, of which a date is enough: the last scan that began by then is taken; when none did, the first that is kept
-- column: path | path | the image
-- column: status | text | new, vanished or changed
-- column: disk_delta | bytes | change of the blocks on the host; all of them where it is new, minus all where it vanished
-- column: data_delta | bytes | change of the guest bytes of data, likewise
-- column: virtual_delta | bytes | change of the guest's disk size, likewise
-- column: from_scan | count | number of the earlier scan
-- column: to_scan | count | number of the latest scan
WITH latest AS (SELECT max(scan_id) AS id FROM scan),
span AS (
    SELECT id AS b,
           CASE WHEN :since IS NULL
                THEN (SELECT max(scan_id) FROM scan WHERE scan_id < id)
                ELSE coalesce(
                    CASE typeof(:since)
                    WHEN 'integer' THEN (SELECT max(scan_id) FROM scan WHERE scan_id <= :since)
                    ELSE (SELECT max(scan_id) FROM v_scan WHERE started <= :since) END,
                    (SELECT min(scan_id) FROM scan))
           END AS a
    FROM latest
),
old AS (SELECT h.* FROM history AS h JOIN span ON h.scan_id = span.a),
now AS (SELECT h.* FROM history AS h JOIN span ON h.scan_id = span.b),
pair AS (
    SELECT now.path, CASE WHEN old.path IS NULL THEN 'new' ELSE 'changed' END AS status,
           now.disk_size - coalesce(old.disk_size, 0) AS disk_delta,
           now.data_bytes - coalesce(old.data_bytes, 0) AS data_delta,
           coalesce(now.virtual_size, 0) - coalesce(old.virtual_size, 0) AS virtual_delta,
           now.file_size - coalesce(old.file_size, 0) AS file_delta
    FROM now LEFT JOIN old ON old.path = now.path
    UNION ALL
    SELECT old.path, 'vanished', -old.disk_size, -old.data_bytes, -coalesce(old.virtual_size, 0), -old.file_size
    FROM old LEFT JOIN now ON now.path = old.path
    WHERE now.path IS NULL
)
SELECT pair.path, pair.status, pair.disk_delta, pair.data_delta, pair.virtual_delta,
       span.a AS from_scan, span.b AS to_scan
FROM pair, span
WHERE span.a IS NOT NULL
  AND (pair.status <> 'changed' OR pair.disk_delta <> 0 OR pair.data_delta <> 0 OR pair.virtual_delta <> 0
       OR pair.file_delta <> 0)
ORDER BY pair.disk_delta DESC, pair.path;
