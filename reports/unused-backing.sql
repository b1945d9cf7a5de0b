-- SPDX-License-Identifier: MIT
-- title: Backing files that nothing uses, wholly or in part
-- about: unreferenced: no image of the latest scan refers to the file by any name or kind of reference, and something
-- about: says that it was a backing file (evidence). An image that merely stands alone is never listed.
-- about: contributes-nothing: images name it as their backing file, yet no head and no internal snapshot reads one
-- about: byte of it. They still name it: give them another backing file (qemu-img rebase) before it is deleted.
-- about: partly-masked: some of its data is read by no head and no internal snapshot (v_masked says which), the rest is.
-- about: An image that is kept as a template (scan --template) is never listed.
-- about: proven: every directory was listed, every file understood, every reference followed, nothing was left out
-- about: of the scan, nobody holds the file open. Anything else is unproven, and `why` says all that is missing.
-- about: True of the time of the scan and of its roots: what lies outside of them cannot be known.
-- column: status | text | unreferenced, contributes-nothing or partly-masked
-- column: verdict | text | proven or unproven
-- column: path | path | the image
-- column: format | text | its format
-- column: disk_size | bytes | blocks that its files take on the host
-- column: virtual_size | bytes | size of the guest's disk
-- column: names | count | names of its file that the scan met, symbolic links aside; deleting one of several frees nothing
-- column: last_referenced | time | start of the latest scan that saw it named as a backing file; empty for never
-- column: referenced_by | path | an image that named it then
-- column: evidence | text | why it counts as a backing file
-- column: why | text | why the verdict is not proven; empty when it is
-- column: masked_bytes | bytes | guest bytes of its data that nobody reads
-- column: reclaimable_bytes | bytes | blocks on the host that could be given back, at most; of compressed data its share
WITH RECURSIVE
latest AS (SELECT complete FROM scan ORDER BY scan_id DESC LIMIT 1),
-- Files that some image refers to, by what the scan followed and by every name that it could not follow, and files that
-- are parts of another image. Whatever is here is not unreferenced.
touched AS (
    SELECT b.file_id FROM image AS o JOIN image AS b ON b.image_id = o.backing_id
    UNION
    SELECT target_id FROM reference WHERE target_id IS NOT NULL
    UNION
    SELECT n.file_id FROM reference AS r JOIN name AS n ON n.path = r.path
    UNION
    SELECT i.file_id FROM reference AS r JOIN image AS i ON i.path = r.path
    UNION
    SELECT i.file_id FROM image AS o JOIN image AS i ON i.path = o.backing_path
    UNION
    SELECT n.file_id FROM image AS o JOIN name AS n ON n.path = o.backing_path
    UNION
    SELECT file_id FROM part
),
part AS (
    SELECT x.file_id FROM image_file AS x JOIN image AS i ON i.file_id = x.file_id
    WHERE x.image_id <> i.image_id
    UNION
    SELECT n.file_id FROM image_file AS x JOIN name AS n ON n.path = x.path JOIN image AS i ON i.file_id = n.file_id
    WHERE x.image_id <> i.image_id
    UNION
    SELECT file_id FROM file WHERE verdict = 'part'
),
-- Files that are read in ways that the forest does not account for: all references but the one backing link of each
-- image. What is visible of them and of what lies below them is not known.
aside AS (
    SELECT r.target_id AS file_id FROM reference AS r JOIN image AS o ON o.image_id = r.image_id
    LEFT JOIN image AS b ON b.image_id = o.backing_id
    WHERE r.target_id IS NOT NULL AND NOT (r.kind IN ('backing', 'alias') AND r.target_id IS b.file_id)
    UNION
    SELECT n.file_id FROM reference AS r JOIN name AS n ON n.path = r.path
    JOIN image AS o ON o.image_id = r.image_id
    LEFT JOIN image AS b ON b.image_id = o.backing_id
    WHERE NOT (r.kind IN ('backing', 'alias') AND n.file_id IS b.file_id)
    UNION
    SELECT file_id FROM part
),
candidate AS (
    SELECT image_id, 'unreferenced' AS status FROM image
    WHERE is_base_by IS NOT NULL AND NOT is_template AND file_id NOT IN (SELECT file_id FROM touched)
    UNION ALL
    SELECT i.image_id, 'contributes-nothing' FROM image AS i JOIN usage AS u ON u.image_id = i.image_id
    WHERE u.visible_present = 0 AND NOT i.is_template
      AND EXISTS (SELECT 1 FROM image AS o WHERE o.backing_id = i.image_id)
      AND NOT EXISTS (SELECT 1 FROM mapping AS m WHERE m.image_id = i.image_id AND m.snapshot IS NOT NULL)
      AND i.file_id NOT IN (SELECT file_id FROM aside)
    UNION ALL
    SELECT i.image_id, 'partly-masked' FROM image AS i JOIN usage AS u ON u.image_id = i.image_id
    WHERE u.masked_bytes > 0
      AND (u.visible_present > 0
           OR EXISTS (SELECT 1 FROM mapping AS m WHERE m.image_id = i.image_id AND m.snapshot IS NOT NULL))
      AND EXISTS (SELECT 1 FROM image AS o WHERE o.backing_id = i.image_id)
      AND i.file_id NOT IN (SELECT file_id FROM aside)
),
-- Host bytes behind what nobody reads. A hole takes none; of compressed data it can only be told how much there is.
hidden AS (
    SELECT m.image_id,
           sum(CASE m.state WHEN 0 THEN m.length WHEN 2 THEN m.length
                            WHEN 1 THEN m.length * i.compressed_host / i.compressed_bytes ELSE 0 END) AS host
    FROM masked AS m JOIN image AS i ON i.image_id = m.image_id
    GROUP BY m.image_id
),
-- The images that could see a candidate. By the chains, and by the links as well, for chains that were cut short; UNION
-- drops what was met before, so this ends on any ring.
seer AS (
    SELECT c.layer_id AS base_id, c.image_id FROM chain AS c
    WHERE c.layer_id IN (SELECT image_id FROM candidate) AND c.image_id <> c.layer_id
    UNION
    SELECT o.backing_id, o.image_id FROM image AS o WHERE o.backing_id IN (SELECT image_id FROM candidate)
    UNION
    SELECT s.base_id, o.image_id FROM seer AS s JOIN image AS o ON o.backing_id = s.image_id
),
-- Paths to be told in words. image_id 0: true of every candidate.
mention AS (
    SELECT DISTINCT 0 AS image_id, 'hiding' AS topic, path AS what FROM v_finding WHERE hides <> 0
    UNION ALL
    SELECT o.backing_id, 'named-by', o.path FROM image AS o
    WHERE o.backing_id IN (SELECT image_id FROM candidate)
    UNION ALL
    SELECT s.base_id, 'broken', o.path || ' (' || o.state || ')'
    FROM seer AS s JOIN image AS o ON o.image_id = s.image_id WHERE o.state <> 'ok'
    UNION ALL
    SELECT DISTINCT s.base_id, 'broken', o.path || ' (' || f.code || ')'
    FROM seer AS s JOIN image AS o ON o.image_id = s.image_id
    JOIN v_finding AS f ON f.path = o.path AND f.severity = 'error'
    WHERE o.state = 'ok'
    UNION ALL
    SELECT s.base_id, 'broken', o.path || ' (chain cut short)'
    FROM seer AS s JOIN image AS o ON o.image_id = s.image_id
    WHERE o.state = 'ok'
      AND NOT EXISTS (SELECT 1 FROM chain AS c WHERE c.image_id = s.image_id AND c.layer_id = s.base_id)
    UNION ALL
    SELECT s.base_id, 'aside', o.path
    FROM seer AS s JOIN image AS o ON o.image_id = s.image_id WHERE o.file_id IN (SELECT file_id FROM aside)
),
-- The cast gives the column the affinity by which it can be looked up.
told AS (
    SELECT CAST(image_id AS INTEGER) AS image_id, topic,
           max(what) FILTER (WHERE place = 1) || coalesce(', ' || max(what) FILTER (WHERE place = 2), '')
           || coalesce(', ' || max(what) FILTER (WHERE place = 3), '')
           || CASE WHEN count(*) > 3 THEN ' and ' || (count(*) - 3) || ' more' ELSE '' END AS words
    FROM (SELECT image_id, topic, what,
                 row_number() OVER (PARTITION BY image_id, topic ORDER BY what) AS place
          FROM mention)
    GROUP BY image_id, topic
),
judged AS MATERIALIZED (
    SELECT c.image_id, c.status,
           CASE WHEN (SELECT complete FROM latest) = 1 THEN ''
                ELSE '; the latest scan could not list, read or follow everything' END
           || coalesce('; references may be hidden by ' ||
                       (SELECT words FROM told WHERE image_id = 0 AND topic = 'hiding'), '')
           || CASE i.state WHEN 'ok' THEN '' ELSE '; it could not be understood itself (' || i.state || ')' END
           || CASE i.lock_state
              WHEN 'none' THEN ''
              WHEN 'write' THEN '; it is in use (open for writing)'
              WHEN 'read' THEN '; it is in use (open for reading)'
              ELSE '; whether it is in use could not be found out' END
           -- A base is not written to. One that was, after its last overlay was seen, may be a disk of its own by now.
           || CASE WHEN c.status = 'unreferenced' AND i.referenced_scan IS NOT NULL
                        AND (SELECT max(mtime_ns) FROM file WHERE file_id IN (
                                 SELECT file_id FROM image_file AS x WHERE x.image_id = i.image_id UNION SELECT i.file_id))
                            IS NOT i.referenced_mtime_ns
              THEN '; it was written to after a scan last saw it named: it may be in use as a disk of its own'
              ELSE '' END
           -- Deleting the image deletes all its files.
           || coalesce('; a file that it is made of is also used by ' ||
                       (SELECT min(o.path) FROM image_file AS x
                        JOIN image_file AS y ON y.file_id = x.file_id AND y.image_id <> x.image_id
                        JOIN image AS o ON o.image_id = y.image_id
                        WHERE x.image_id = i.image_id), '')
           -- A base that was renamed or moved away under its overlays is misplaced, not unused.
           || coalesce('; an image that lost its backing or data file may mean it: ' ||
                       (SELECT min(o.path) FROM reference AS r JOIN image AS o ON o.image_id = r.image_id
                        WHERE c.status = 'unreferenced' AND r.target_id IS NULL AND r.kind IN ('backing', 'data-file', 'extent')
                          AND (o.path = i.referenced_by OR (r.state = 'missing' AND i.format = 'raw'))), '')
           || coalesce('; a name that depends on a working directory may mean it: ' ||
                       (SELECT min(r.name) FROM reference AS r, name AS n
                        WHERE r.state = 'ambiguous' AND c.status = 'unreferenced' AND n.file_id = i.file_id
                          -- the last component of the file's name, anywhere in what the image says
                          AND instr(r.name, replace(n.path, rtrim(n.path, replace(n.path, '/', '')), '')) > 0), '')
           || CASE WHEN EXISTS (SELECT 1 FROM seer AS s WHERE s.base_id = c.image_id AND s.image_id = c.image_id)
              THEN '; its chain is a ring' ELSE '' END
           || coalesce('; images that could read it were not understood: ' ||
                       (SELECT words FROM told WHERE image_id = c.image_id AND topic = 'broken'), '')
           || coalesce('; images that could read it are read in other ways than as backing files: ' ||
                       (SELECT words FROM told WHERE image_id = c.image_id AND topic = 'aside'), '') AS doubts
    FROM candidate AS c JOIN image AS i ON i.image_id = c.image_id
)
SELECT status, verdict, path, format, disk_size, virtual_size, names, last_referenced, referenced_by, evidence, why,
       masked_bytes,
       CASE WHEN status = 'partly-masked' THEN min(disk_size, coalesce(host, 0)) WHEN names > 1 THEN 0 ELSE disk_size END
           AS reclaimable_bytes
FROM (
SELECT j.status,
       CASE j.doubts WHEN '' THEN 'proven' ELSE 'unproven' END AS verdict,
       i.path, i.format,
       (SELECT sum(disk_size) FROM file WHERE file_id IN (
            SELECT file_id FROM image_file AS x WHERE x.image_id = i.image_id UNION SELECT i.file_id)) AS disk_size,
       i.virtual_size,
       (SELECT count(*) FROM name AS n WHERE n.file_id = i.file_id AND n.kind = 'file') AS names,
       (SELECT started FROM v_scan WHERE scan_id = i.referenced_scan) AS last_referenced,
       i.referenced_by,
       CASE j.status WHEN 'unreferenced' THEN i.is_base_by
                     ELSE 'named by ' || (SELECT words FROM told WHERE image_id = i.image_id AND topic = 'named-by')
       END AS evidence,
       CASE j.doubts WHEN '' THEN NULL ELSE substr(j.doubts, 3) END AS why,
       (SELECT masked_bytes FROM usage AS u WHERE u.image_id = i.image_id) AS masked_bytes,
       (SELECT host FROM hidden AS h WHERE h.image_id = i.image_id) AS host,
       CASE j.status WHEN 'unreferenced' THEN 1 WHEN 'contributes-nothing' THEN 2 ELSE 3 END AS rank
FROM judged AS j
JOIN image AS i ON i.image_id = j.image_id
)
ORDER BY rank, verdict, reclaimable_bytes DESC, path;
