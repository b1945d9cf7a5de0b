-- SPDX-License-Identifier: MIT
-- title: Backing files that nothing uses, wholly or in part
-- about: unreferenced: no image of the latest scan refers to the file by any name or kind of reference, and there is
-- about: evidence that it was a backing file. An image without a backing file and without overlays is never listed for
-- about: that alone.
-- about: fully-masked: images name it as their backing file, yet no head and no internal snapshot reads one
-- about: byte of it. They still name it: give them another backing file (qemu-img rebase) before it is deleted.
-- about: partly-masked: some of its data is read by no head and no internal snapshot (v_masked lists it), the rest is.
-- about: An image that is kept as a template (scan --template) is never listed.
-- about: proven: nothing was found that could still need it, and everything that could refer to it was read. Anything
-- about: else is unproven: `why` lists all doubts in words, `why_codes` their codes (imgaudit(1), DOUBTS).
-- about: Valid for the time of the scan and for its roots: what is outside them is unknown.
-- column: status | text | unreferenced, fully-masked or partly-masked
-- column: verdict | text | proven or unproven
-- column: path | path | the image
-- column: format | text | its format
-- column: disk_size | bytes | blocks that its files take on the host
-- column: virtual_size | bytes | size of the guest's disk
-- column: names | count | names of its file that the scan found, without symbolic links; deleting one of several frees nothing
-- column: last_referenced | time | start of the latest scan that saw it named as a backing file; empty: never, or that scan is not kept
-- column: referenced_by | path | an image that named it then
-- column: evidence | text | why it is taken for a backing file
-- column: why | text | why the verdict is not proven; empty when it is
-- column: why_codes | text | the codes of these doubts, separated by commas; empty when there are none
-- column: assumes | text | accepted findings (`imgaudit accept`) that the verdict rests on: without that they would be doubts; empty when there are none
-- column: masked_bytes | bytes | guest bytes of its data that no head and no internal snapshot reads
-- column: reclaimable_bytes | bytes | blocks on the host that could be given back, at most; compressed data counts by its share; without blocks that hard links or other files keep (report --host); empty: unknown, the host does not report it
-- column: suggestion | advice | a shell command that gives the space back, or finds out more; empty when there is none. imgaudit never runs it
WITH
subject AS (
    SELECT i.image_id, i.path, i.format, d.virtual_size, d.encrypted, i.backing_id,
           coalesce((SELECT u.in_use FROM v_in_use AS u WHERE u.image_id = i.image_id), 1) AS in_use,
           i.chain_ok AND (i.backing_id IS NOT NULL OR d.backing_name IS NULL) AS has_whole_chain,
           t.can_rebase AND NOT d.encrypted AS can_change,  -- its backing file, and without a key
           t.is_good_base,
           EXISTS (SELECT 1 FROM mapping AS m WHERE m.image_id = i.image_id AND m.snapshot IS NOT NULL) AS has_snapshots,
           (SELECT count(*) FROM image_file AS x WHERE x.image_id = i.image_id) AS files,
           (SELECT mtime_ns FROM file AS f WHERE f.file_id = i.file_id) AS mtime_ns
    FROM image AS i JOIN image_header AS d ON d.image_id = i.image_id
    JOIN image_ability AS t ON t.image_id = i.image_id
),
-- All names of all its files. A file without a block is a device, or gives nothing back; one that was found by
-- symbolic links alone has no name here.
removal AS MATERIALIZED (
    SELECT image_id, 'remove' || char(0) || group_concat(path, char(0)) AS suggestion
    FROM (SELECT f.image_id, n.path, count(n.path) OVER (PARTITION BY f.image_id, f.file_id) AS names,
                 (SELECT disk_size FROM file AS h WHERE h.file_id = f.file_id) AS disk_size
          FROM (SELECT image_id, file_id FROM image UNION SELECT image_id, file_id FROM image_file) AS f
          LEFT JOIN file_name AS n ON n.file_id = f.file_id AND n.kind = 'file'
          WHERE f.image_id IN (SELECT image_id FROM candidate WHERE status = 'unreferenced')
          ORDER BY n.path)
    GROUP BY image_id
    HAVING min(names) > 0 AND min(disk_size) > 0
),
-- The overlays of a candidate, together: the arguments of a rebase of each of them onto the candidate's own backing file,
-- and of what a commit of the only one into the candidate would do.
above AS MATERIALIZED (
    SELECT base_id, count(*) AS images, max(in_use) AS in_use, group_concat(path, char(0)) AS paths,
           CASE WHEN min(can_rebase) THEN 'rebase' || char(0) || group_concat(rebase, char(0)) END AS rebase,
           CASE WHEN min(can_commit) THEN max('commit' || char(0) || path) END AS "commit"
    FROM (SELECT b.image_id AS base_id, o.format, o.path, o.in_use,
                 -- The bytes that a guest sees are compared and kept, those of internal snapshots are not: where the
                 -- candidate is the shorter one, they would see more of the images below it.
                 o.can_change AND b.has_whole_chain AND NOT b.encrypted AND NOT coalesce(g.encrypted, 0)
                 AND NOT (o.has_snapshots AND coalesce(g.virtual_size > b.virtual_size, 0)) AS can_rebase,
                 o.format || char(0) || coalesce(g.path, '') || char(0) || coalesce(g.format, '') || char(0) || o.path
                 AS rebase,
                 -- A single overlay that is a head masks all that is masked. Snapshots would not keep what they see.
                 -- Base images of clouds are not to be written to, nor is a base that was, after the overlay: it may be a
                 -- disk of its own by now, and the overlay a remainder.
                 o.can_change AND b.is_good_base AND NOT b.encrypted
                 AND o.virtual_size = b.virtual_size AND o.files = 1 AND b.files = 1
                 AND NOT o.has_snapshots AND NOT b.has_snapshots AND o.mtime_ns >= b.mtime_ns
                 AND NOT EXISTS (SELECT 1 FROM image AS t WHERE t.backing_id = o.image_id)
                 AND NOT EXISTS (SELECT 1 FROM evidence AS e WHERE e.image_id = b.image_id AND e.code IN
                                 ('backing-glob', 'external-snapshot', 'openstack-base', 'proxmox-template')) AS can_commit
          FROM subject AS b JOIN subject AS o ON o.backing_id = b.image_id
          LEFT JOIN subject AS g ON g.image_id = b.backing_id
          WHERE b.image_id IN (SELECT image_id FROM candidate)
          ORDER BY o.path)
    GROUP BY base_id
),
-- What helps with the doubts about a candidate, and with those about every one.
help AS MATERIALIZED (
    SELECT j.image_id, max(d.advice = 'find-users') AS find_users, max(d.advice = 'findings') AS findings
    FROM v_unused AS j JOIN doubt AS d ON d.image_id = j.image_id OR d.image_id IS NULL
    GROUP BY j.image_id
),
advice AS MATERIALIZED (
    SELECT j.image_id,
           CASE
           WHEN j.verdict = 'unproven' THEN
               CASE WHEN h.findings AND NOT w.in_use THEN 'findings'
                    WHEN h.find_users THEN 'find-users' || char(0) || w.path
                    WHEN h.findings THEN 'findings' END
           -- A template of Proxmox is cloned in full as well: such clones do not name it.
           WHEN j.status = 'unreferenced' THEN
               CASE WHEN NOT EXISTS (SELECT 1 FROM evidence AS e WHERE e.image_id = j.image_id AND e.code = 'proxmox-template')
                    THEN r.suggestion END
           WHEN a.in_use OR EXISTS (SELECT 1 FROM evidence AS e WHERE e.image_id = j.image_id AND e.code = 'external-snapshot') THEN NULL
           WHEN j.status = 'fully-masked' THEN a.rebase
           WHEN a.images = 1 AND a."commit" IS NOT NULL THEN a."commit"
           WHEN a.images > 8 THEN 'dependents' || char(0) || w.path
           ELSE 'flatten' || char(0) || a.paths
           END AS suggestion
    FROM v_unused AS j JOIN subject AS w ON w.image_id = j.image_id
    LEFT JOIN help AS h ON h.image_id = j.image_id
    LEFT JOIN removal AS r ON r.image_id = j.image_id
    LEFT JOIN above AS a ON a.base_id = j.image_id
)
SELECT u.status, u.verdict, u.path, i.format, u.disk_size, h.virtual_size,
       (SELECT count(*) FROM file_name AS n WHERE n.file_id = i.file_id AND n.kind = 'file') AS names,
       u.last_referenced, u.referenced_by, u.evidence, u.why, u.why_codes, u.assumes, u.masked_bytes, u.reclaimable_bytes,
       a.suggestion
FROM v_unused AS u
JOIN image AS i ON i.image_id = u.image_id
JOIN image_header AS h ON h.image_id = u.image_id
JOIN advice AS a ON a.image_id = u.image_id
ORDER BY CASE u.status WHEN 'unreferenced' THEN 1 WHEN 'fully-masked' THEN 2 ELSE 3 END, u.verdict,
         u.reclaimable_bytes DESC, u.path;
