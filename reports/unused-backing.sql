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
-- column: reclaimable_bytes | bytes | blocks on the host that could be given back, at most; of compressed data its share; not those that hard links or other files hold on to (report --host); empty when the host does not tell
-- column: suggestion | text | a command for the shell that does something about it, or finds out more; empty when there is none to give. Nothing runs it but you
WITH RECURSIVE
latest AS (SELECT complete FROM scan ORDER BY scan_id DESC LIMIT 1),
-- Files that some image refers to, by what the scan followed and by every name that it could not follow, and files that
-- are parts of another image. Whatever is here is not unreferenced.
touched AS (
    SELECT b.file_id FROM image AS o JOIN image AS b ON b.image_id = o.backing_id
    UNION
    SELECT target_id FROM reference WHERE target_id IS NOT NULL
    UNION
    SELECT n.file_id FROM reference AS r JOIN file_name AS n ON n.path = r.path
    UNION
    SELECT i.file_id FROM reference AS r JOIN image AS i ON i.path = r.path
    UNION
    SELECT i.file_id FROM image AS o JOIN image AS i ON i.path = o.backing_path
    UNION
    SELECT n.file_id FROM image AS o JOIN file_name AS n ON n.path = o.backing_path
    UNION
    SELECT file_id FROM part
),
part AS (
    SELECT x.file_id FROM image_file AS x JOIN image AS i ON i.file_id = x.file_id
    WHERE x.image_id <> i.image_id
    UNION
    SELECT n.file_id FROM image_file AS x JOIN file_name AS n ON n.path = x.path JOIN image AS i ON i.file_id = n.file_id
    WHERE x.image_id <> i.image_id
    UNION
    SELECT file_id FROM file WHERE verdict = 'part'
),
-- Files that are read in ways that the forest does not account for.
aside AS (SELECT DISTINCT file_id FROM v_non_backing_reference),
candidate AS (
    SELECT i.image_id, 'unreferenced' AS status FROM image AS i JOIN image_memory AS y ON y.image_id = i.image_id
    WHERE y.is_base_by IS NOT NULL AND NOT i.is_template AND i.file_id NOT IN (SELECT file_id FROM touched)
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
                            WHEN 1 THEN m.length * k.compressed_host / k.compressed_bytes ELSE 0 END) AS host
    FROM masked AS m JOIN image_account AS k ON k.image_id = m.image_id
    GROUP BY m.image_id
),
-- Host bytes that an image's files have for themselves, and those that go when they are deleted by one name each: NULL
-- where that is not known of one of them.
held AS (
    SELECT m.image_id,
           CASE WHEN count(*) = count(h.exclusive_bytes) THEN sum(h.exclusive_bytes - h.encoded_bytes) END AS own,
           CASE WHEN count(*) = count(h.freed_bytes)
                THEN sum(CASE WHEN h.links > 1 THEN 0 ELSE h.freed_bytes END) END AS freed
    FROM (SELECT image_id, file_id FROM image_file WHERE file_id IS NOT NULL
          UNION SELECT image_id, file_id FROM image) AS m
    LEFT JOIN v_file_blocks AS h ON h.file_id = m.file_id
    WHERE m.image_id IN (SELECT image_id FROM candidate)
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
    SELECT s.base_id, 'untold', o.path
    FROM seer AS s JOIN image AS o ON o.image_id = s.image_id JOIN image_account AS k ON k.image_id = s.image_id
    WHERE o.state = 'ok' AND k.overlapping IS NULL
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
           || CASE WHEN k.overlapping THEN '; clusters of it lie over each other: what one image does not read, another may'
                   WHEN k.overlapping IS NULL AND i.state = 'ok'
                   THEN '; whether clusters of it lie over each other could not be found out' ELSE '' END
           || CASE i.lock_state
              WHEN 'none' THEN ''
              WHEN 'write' THEN '; it is in use (open for writing)'
              WHEN 'read' THEN '; it is in use (open for reading)'
              ELSE '; whether it is in use could not be found out' END
           -- A base is not written to. One that was, after its last overlay was written to or seen, may be a disk of its
           -- own by now: a block commit of a running machine leaves the overlay behind, and goes on in the base.
           || CASE WHEN c.status = 'unreferenced' AND y.referenced_scan IS NOT NULL
                        AND (SELECT max(mtime_ns) FROM file WHERE file_id IN (
                                 SELECT file_id FROM image_file AS x WHERE x.image_id = i.image_id UNION SELECT i.file_id))
                            IS NOT y.referenced_mtime_ns
              THEN '; it was written to after ' || CASE WHEN y.referenced_mtime_ns IS NULL THEN 'the images that named it'
                                                        ELSE 'a scan last saw it named' END
                   || ': it may be in use as a disk of its own'
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
                        WHERE c.status = 'unreferenced' AND r.target_id IS NULL AND r.state IS NOT NULL
                          AND r.kind IN ('backing', 'data-file', 'extent')
                          AND (o.path = y.referenced_by OR (r.state = 'missing' AND i.format = 'raw'))), '')
           || coalesce('; a name that depends on a working directory may mean it: ' ||
                       (SELECT min(r.name) FROM reference AS r, file_name AS n
                        WHERE r.state = 'ambiguous' AND c.status = 'unreferenced' AND n.file_id = i.file_id
                          -- the last component of the file's name, anywhere in what the image says
                          AND instr(r.name, replace(n.path, rtrim(n.path, replace(n.path, '/', '')), '')) > 0), '')
           || CASE WHEN EXISTS (SELECT 1 FROM seer AS s WHERE s.base_id = c.image_id AND s.image_id = c.image_id)
              THEN '; its chain is a ring' ELSE '' END
           || coalesce('; images that could read it were not understood: ' ||
                       (SELECT words FROM told WHERE image_id = c.image_id AND topic = 'broken'), '')
           || coalesce('; whether clusters of images that could read it lie over each other could not be found out: ' ||
                       (SELECT words FROM told WHERE image_id = c.image_id AND topic = 'untold'), '')
           || coalesce('; images that could read it are read in other ways than as backing files: ' ||
                       (SELECT words FROM told WHERE image_id = c.image_id AND topic = 'aside'), '') AS doubts
    FROM candidate AS c JOIN image AS i ON i.image_id = c.image_id
    JOIN image_account AS k ON k.image_id = c.image_id
    JOIN image_memory AS y ON y.image_id = c.image_id
),
-- What could be done, in words of a shell. An image's path, quoted: nothing is special between apostrophes, and one of
-- its own stands outside of them.
word AS (
    SELECT i.image_id, i.path, i.format, d.virtual_size, i.lock_state, d.encrypted, i.backing_id,
           '''' || replace(i.path, '''', '''\''''') || '''' AS quoted,
           i.format IN ('qcow2', 'qed') AND NOT d.encrypted AS can_change,  -- its backing file, and without a key
           EXISTS (SELECT 1 FROM mapping AS m WHERE m.image_id = i.image_id AND m.snapshot IS NOT NULL) AS has_snapshots,
           (SELECT count(*) FROM image_file AS x WHERE x.image_id = i.image_id) AS files,
           (SELECT mtime_ns FROM file AS f WHERE f.file_id = i.file_id) AS mtime_ns
    FROM image AS i JOIN image_header AS d ON d.image_id = i.image_id
),
-- All names of all its files. A file without a block is a device, or gives nothing back; one that was met by symbolic
-- links alone has no name here.
removal AS MATERIALIZED (
    SELECT image_id, 'rm -- ' || group_concat(quoted, ' ') AS command
    FROM (SELECT f.image_id, '''' || replace(n.path, '''', '''\''''') || '''' AS quoted,
                 count(n.path) OVER (PARTITION BY f.image_id, f.file_id) AS names,
                 (SELECT disk_size FROM file AS h WHERE h.file_id = f.file_id) AS disk_size
          FROM (SELECT image_id, file_id FROM image UNION SELECT image_id, file_id FROM image_file) AS f
          LEFT JOIN file_name AS n ON n.file_id = f.file_id AND n.kind = 'file'
          WHERE f.image_id IN (SELECT image_id FROM candidate WHERE status = 'unreferenced')
          ORDER BY n.path)
    GROUP BY image_id
    HAVING min(names) > 0 AND min(disk_size) > 0
),
-- The images that name a candidate, together: what would give each of them what the candidate itself stands on, and
-- what would put the only one into the candidate.
above AS MATERIALIZED (
    SELECT base_id, count(*) AS images, max(in_use) AS in_use, group_concat(quoted, ' ') AS quoted,
           CASE WHEN min(can_rebase) THEN group_concat(rebase, ' && ') END AS rebase,
           CASE WHEN min(can_commit) THEN max('qemu-img commit -f ' || format || ' ' || quoted) END AS "commit"
    FROM (SELECT b.image_id AS base_id, o.format, o.quoted, o.lock_state <> 'none' AS in_use,
                 -- The bytes that a guest sees are compared and kept, those of internal snapshots are not: where the
                 -- candidate is the shorter one, they would see more of what lies below it.
                 o.can_change AND NOT b.encrypted AND NOT coalesce(g.encrypted, 0)
                 AND NOT (o.has_snapshots AND coalesce(g.virtual_size > b.virtual_size, 0)) AS can_rebase,
                 'qemu-img rebase -f ' || o.format
                 || coalesce(' -b ' || g.quoted || ' -F ' || g.format, ' -b ''''') || ' ' || o.quoted AS rebase,
                 -- All that is masked is so by a head that stands alone on it. Snapshots would not keep what they see.
                 -- Base images of clouds are not to be written to, nor is a base that was, after the overlay: it may be a
                 -- disk of its own by now, and the overlay a remainder.
                 o.can_change AND b.format IN ('qcow2', 'qed', 'raw') AND NOT b.encrypted
                 AND o.virtual_size = b.virtual_size AND o.files = 1 AND b.files = 1
                 AND NOT o.has_snapshots AND NOT b.has_snapshots AND o.mtime_ns >= b.mtime_ns
                 AND NOT EXISTS (SELECT 1 FROM image AS t WHERE t.backing_id = o.image_id)
                 AND b.path NOT GLOB '*/_base/*' AND b.path NOT GLOB '*/base-*-disk-*'
                 AND NOT EXISTS (SELECT 1 FROM scan_option AS p
                                 WHERE p.scan_id = (SELECT max(scan_id) FROM scan) AND p.kind = 'backing-glob'
                                   AND (b.path GLOB p.value OR b.path GLOB '*/' || p.value)) AS can_commit
          FROM word AS b JOIN word AS o ON o.backing_id = b.image_id
          LEFT JOIN word AS g ON g.image_id = b.backing_id
          WHERE b.image_id IN (SELECT image_id FROM candidate)
          ORDER BY o.path)
    GROUP BY base_id
),
advice AS MATERIALIZED (
    SELECT j.image_id,
           CASE
           WHEN j.doubts <> '' THEN
               CASE WHEN w.lock_state <> 'none' OR (j.status = 'unreferenced' AND (SELECT complete FROM latest) = 1)
                    THEN 'fuser -v ' || w.quoted ELSE 'imgaudit report --findings' END
           -- A template of Proxmox is cloned in full as well, which leaves no name of it anywhere.
           WHEN j.status = 'unreferenced' THEN CASE WHEN w.path NOT GLOB '*/base-*-disk-*' THEN r.command END
           WHEN a.in_use THEN NULL
           WHEN j.status = 'contributes-nothing' THEN a.rebase
           WHEN a.images = 1 AND a."commit" IS NOT NULL THEN a."commit"
           WHEN a.images > 8 THEN 'imgaudit report --dependents ' || w.quoted
           ELSE 'imgaudit report --what-if-flatten ' || a.quoted
           END AS suggestion
    FROM judged AS j JOIN word AS w ON w.image_id = j.image_id
    LEFT JOIN removal AS r ON r.image_id = j.image_id
    LEFT JOIN above AS a ON a.base_id = j.image_id
)
SELECT status, verdict, path, format, disk_size, virtual_size, names, last_referenced, referenced_by, evidence, why,
       masked_bytes,
       CASE status WHEN 'partly-masked' THEN min(own, coalesce(host, 0)) ELSE freed END AS reclaimable_bytes,
       suggestion
FROM (
SELECT j.status,
       CASE j.doubts WHEN '' THEN 'proven' ELSE 'unproven' END AS verdict,
       i.path, i.format,
       (SELECT sum(disk_size) FROM file WHERE file_id IN (
            SELECT file_id FROM image_file AS x WHERE x.image_id = i.image_id UNION SELECT i.file_id)) AS disk_size,
       d.virtual_size,
       (SELECT count(*) FROM file_name AS n WHERE n.file_id = i.file_id AND n.kind = 'file') AS names,
       (SELECT started FROM v_scan WHERE scan_id = y.referenced_scan) AS last_referenced,
       y.referenced_by,
       CASE j.status WHEN 'unreferenced' THEN y.is_base_by
                     ELSE 'named by ' || (SELECT words FROM told WHERE image_id = i.image_id AND topic = 'named-by')
       END AS evidence,
       CASE j.doubts WHEN '' THEN NULL ELSE substr(j.doubts, 3) END AS why,
       (SELECT masked_bytes FROM usage AS u WHERE u.image_id = i.image_id) AS masked_bytes,
       (SELECT host FROM hidden AS h WHERE h.image_id = i.image_id) AS host,
       (SELECT own FROM held AS h WHERE h.image_id = i.image_id) AS own,
       (SELECT freed FROM held AS h WHERE h.image_id = i.image_id) AS freed,
       a.suggestion,
       CASE j.status WHEN 'unreferenced' THEN 1 WHEN 'contributes-nothing' THEN 2 ELSE 3 END AS rank
FROM judged AS j
JOIN image AS i ON i.image_id = j.image_id
JOIN image_header AS d ON d.image_id = j.image_id
JOIN image_memory AS y ON y.image_id = j.image_id
JOIN advice AS a ON a.image_id = j.image_id
)
ORDER BY rank, verdict, reclaimable_bytes DESC, path;
