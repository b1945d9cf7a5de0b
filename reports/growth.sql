-- SPDX-License-Identifier: MIT
-- title: What grew, came and went
-- about: Images that differ between an earlier scan and the latest one: by default the one before it. Images are
-- about: compared by path, so a renamed one has vanished and is new. Images that did not change have no row.
-- about: Depths are those of whole chains: the depth is empty where the chain could not be followed.
-- about: A base that no image names any more is not proven unused: see the report unused-backing.
-- parameter: :since | the number of the earlier scan, or a time as in v_scan.started (a date is enough): the last scan that began by then, or, if there is none, the first that is kept
-- column: path | path | the image
-- column: status | text | new, vanished, changed, or not-seen: it could not be looked at, and is taken for what it was
-- column: disk_delta | bytes | change of the blocks on the host; all of them where it is new, minus all where it vanished
-- column: data_delta | bytes | change of the guest bytes of data, likewise
-- column: virtual_delta | bytes | change of the guest's disk size, likewise
-- column: from_scan | count | number of the earlier scan
-- column: to_scan | count | number of the latest scan
-- column: depth_from | count | images below it in its chain in the earlier scan
-- column: depth_to | count | the same in the latest scan
-- column: dependents_from | count | images that named it as their backing file in the earlier scan
-- column: dependents_to | count | the same in the latest scan
-- column: unreferenced_since | time | start of the first complete scan since no image names it any more; empty for other images
WITH latest AS (SELECT max(scan_id) AS id FROM scan),
earlier AS (SELECT scan_id, started FROM v_scan, latest WHERE scan_id < id),
span AS (
    SELECT id AS b,
           CASE WHEN :since IS NULL THEN (SELECT max(scan_id) FROM earlier)
                ELSE coalesce(
                    CASE typeof(:since)
                    WHEN 'integer' THEN (SELECT max(scan_id) FROM earlier WHERE scan_id <= :since)
                    ELSE (SELECT max(scan_id) FROM earlier WHERE started <= :since) END,
                    (SELECT min(scan_id) FROM earlier))
           END AS a
    FROM latest
),
-- The depth of an image that was not understood, or whose chain is broken, is unknown.
seen AS (
    SELECT scan_id, path, virtual_size, file_size, disk_size, data_bytes, dependents,
           CASE state WHEN 'ok' THEN chain_depth END AS depth, state = 'not-seen' AS unseen
    FROM v_history
),
old AS (SELECT seen.* FROM seen JOIN span ON seen.scan_id = span.a),
now AS (SELECT seen.* FROM seen JOIN span ON seen.scan_id = span.b),
pair AS (
    SELECT now.path,
           CASE WHEN old.path IS NULL THEN 'new' WHEN now.unseen AND NOT old.unseen THEN 'not-seen' ELSE 'changed' END AS status,
           now.disk_size - coalesce(old.disk_size, 0) AS disk_delta,
           now.data_bytes - coalesce(old.data_bytes, 0) AS data_delta,
           coalesce(now.virtual_size, 0) - coalesce(old.virtual_size, 0) AS virtual_delta,
           now.file_size - coalesce(old.file_size, 0) AS file_delta,
           old.depth AS depth_from, now.depth AS depth_to,
           old.dependents AS dependents_from, now.dependents AS dependents_to, now.unseen OR old.unseen AS unseen
    FROM now LEFT JOIN old ON old.path = now.path
    UNION ALL
    SELECT old.path, 'vanished', -old.disk_size, -old.data_bytes, -coalesce(old.virtual_size, 0), -old.file_size,
           old.depth, NULL, old.dependents, NULL, 0
    FROM old LEFT JOIN now ON now.path = old.path
    WHERE now.path IS NULL
)
SELECT pair.path, pair.status, pair.disk_delta, pair.data_delta, pair.virtual_delta,
       span.a AS from_scan, span.b AS to_scan,
       pair.depth_from, pair.depth_to, pair.dependents_from, pair.dependents_to,
       -- A scan that was not complete may have missed an image that names it, and proves no absence.
       CASE WHEN pair.dependents_to = 0 AND coalesce(pair.dependents_from, 1) > 0 THEN (
            SELECT min(s.started) FROM v_scan AS s JOIN v_history AS h ON h.scan_id = s.scan_id
            WHERE h.path = pair.path AND s.complete
              AND h.scan_id > (SELECT max(n.scan_id) FROM v_history AS n
                               WHERE n.path = pair.path AND n.scan_id >= span.a AND n.dependents > 0))
       END AS unreferenced_since
FROM pair, span
WHERE span.a IS NOT NULL
  AND (pair.status <> 'changed' OR pair.disk_delta <> 0 OR pair.data_delta <> 0 OR pair.virtual_delta <> 0
       OR pair.file_delta <> 0
       OR NOT pair.unseen AND (pair.depth_from IS NOT pair.depth_to OR pair.dependents_from <> pair.dependents_to))
ORDER BY pair.disk_delta DESC, pair.path;
