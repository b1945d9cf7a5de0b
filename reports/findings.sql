-- SPDX-License-Identifier: MIT
-- title: What is broken, unsafe or could not be read
-- about: Findings of the latest scan, the worst first, those that were accepted (`imgaudit accept`) last. Codes are stable; details are for people and may change.
-- about: While there is a finding with `hides`, there may be references that imgaudit cannot see, and no file is proven
-- about: unused.
-- column: code | text | what was found, one stable word
-- column: severity | text | error, warning or info
-- column: path | path | the image, file or directory
-- column: detail | text | the particulars
-- column: first_seen | time | start of the scan since which every scan has found it, as far back as scans are kept
-- column: last_seen | time | start of the latest scan that found it
-- column: hides | flag | because of it there may be references that are unknown
-- column: accepted_by | count | number of the line of `imgaudit accept --list` that accepts it; empty: none does
-- column: suggestion | advice | a shell command that mends it, to be looked at before it is run; empty when none is known. imgaudit never runs it
WITH RECURSIVE
-- Images without their backing file, which could be given its name anew.
lost AS MATERIALIZED (
    SELECT i.image_id, i.path, i.format, i.backing_path, d.backing_format
    FROM finding AS f JOIN image AS i ON i.path = f.path JOIN image_header AS d ON d.image_id = i.image_id
    JOIN image_ability AS t ON t.image_id = i.image_id
    WHERE f.code = 'backing-missing' AND f.last_scan = (SELECT max(scan_id) FROM scan) AND i.backing_id IS NULL
      AND i.backing_path IS NOT NULL AND t.can_rebase AND NOT d.encrypted
      AND (SELECT u.in_use FROM v_in_use AS u WHERE u.image_id = i.image_id) = 0
),
-- The last component of what they name, and of each name of an image: a step goes past a slash.
lost_tail (image_id, rest) AS (
    SELECT image_id, backing_path FROM lost
    UNION ALL SELECT image_id, substr(rest, instr(rest, '/') + 1) FROM lost_tail WHERE instr(rest, '/') > 0
),
name_tail (file_id, rest) AS (
    SELECT file_id, path FROM file_name WHERE kind = 'file' AND EXISTS (SELECT 1 FROM lost)
    UNION ALL SELECT file_id, substr(rest, instr(rest, '/') + 1) FROM name_tail WHERE instr(rest, '/') > 0
),
-- What may be the file: one that was named by that path when a scan last saw it named, whatever it is called by now; else
-- one that has the name.
found (lost_id, image_id, rank) AS (
    SELECT l.image_id, m.image_id, 1
    FROM lost AS l JOIN image AS q ON q.backing_path = l.backing_path JOIN image_memory AS m ON m.referenced_by = q.path
    UNION
    SELECT l.image_id, m.image_id, 2
    FROM lost_tail AS l JOIN name_tail AS n ON n.rest = l.rest JOIN image AS m ON m.file_id = n.file_id
    WHERE instr(l.rest, '/') = 0
),
-- What cannot be it: a scan saw it beside what the image was based on, or that is there still; or it was made after the
-- image was last written to. What the image was based on is that in any case.
excluded AS (
    SELECT f.lost_id, f.image_id
    FROM found AS f JOIN image_memory AS b ON b.image_id = f.lost_id JOIN image_memory AS n ON n.image_id = f.image_id
    JOIN image AS i ON i.image_id = f.lost_id JOIN file AS o ON o.file_id = i.file_id
    JOIN image AS m ON m.image_id = f.image_id JOIN file AS p ON p.file_id = m.file_id
    WHERE b.base_id IS NOT m.file_id
      AND (n.seen_since_ns <= b.base_lost_ns OR p.birth_ns > o.mtime_ns OR b.base_id IN (SELECT file_id FROM file))
),
fit AS (
    SELECT f.lost_id, f.image_id, f.rank
    FROM found AS f JOIN lost AS l ON l.image_id = f.lost_id JOIN image AS m ON m.image_id = f.image_id
    WHERE (f.lost_id, f.image_id) NOT IN (SELECT lost_id, image_id FROM excluded) AND m.state = 'ok' AND m.path <> l.backing_path AND coalesce(l.backing_format, m.format) = m.format
      AND NOT EXISTS (SELECT 1 FROM v_layer AS c WHERE c.image_id = m.image_id AND c.layer_id = l.image_id)
),
-- There is no choice to be made for anybody.
moved AS (
    SELECT l.path, 'rename-backing' || char(0) || l.format || char(0) || m.path || char(0) || m.format || char(0) || l.path
           AS suggestion
    FROM (SELECT lost_id, max(image_id) AS image_id FROM fit AS f
          WHERE rank = (SELECT min(g.rank) FROM fit AS g WHERE g.lost_id = f.lost_id)
          GROUP BY lost_id HAVING count(*) = 1) AS f
    JOIN lost AS l ON l.image_id = f.lost_id JOIN image AS m ON m.image_id = f.image_id
)
SELECT f.code, f.severity, f.path, f.detail, f.first_seen, f.last_seen, f.hides, f.accepted_by,
       CASE f.code WHEN 'backing-missing' THEN (SELECT m.suggestion FROM moved AS m WHERE m.path = f.path) END AS suggestion
FROM v_finding AS f
WHERE NOT cleared
ORDER BY accepted_by IS NOT NULL, CASE severity WHEN 'error' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, code, path, detail;
