-- SPDX-License-Identifier: MIT
-- title: Images that no machine uses
-- about: Heads and images that stand alone: no image names them, no machine of an inventory uses them, and nothing shows
-- about: that they were backing files (report --unused-backing has those). There are none where no inventory was read
-- about: (scan --inventory), and none that are kept as templates.
-- about: What such an image holds is nowhere else. proven: no doubt is left that nothing on this host uses it, which is
-- about: not that nobody wants it.
-- column: verdict | text | proven or unproven
-- column: path | path | the image
-- column: format | text | its format
-- column: disk_size | bytes | blocks that its files take on the host
-- column: virtual_size | bytes | size of the guest's disk
-- column: mtime | time | when its main file was last written to
-- column: since | time | start of the first scan since which no machine has used it
-- column: backing_image | path | its backing image; empty: none
-- column: why | text | why the verdict is not proven; empty when it is
-- column: why_codes | text | the codes of these doubts, separated by commas; empty when there are none
-- column: assumes | text | accepted findings (`imgaudit accept`) that the verdict rests on; empty when there are none
-- column: reclaimable_bytes | bytes | blocks on the host that its deletion gives back for certain; empty: unknown
-- column: suggestion | advice | a shell command that removes it once more is known to be so; empty when there is none. imgaudit never runs it
WITH
removal AS MATERIALIZED (
    SELECT image_id, 'remove-unclaimed' || char(0) || group_concat(path, char(0)) AS suggestion
    FROM (SELECT f.image_id, n.path, count(n.path) OVER (PARTITION BY f.image_id, f.file_id) AS names
          FROM (SELECT image_id, file_id FROM image UNION SELECT image_id, file_id FROM image_file) AS f
          LEFT JOIN file_name AS n ON n.file_id = f.file_id AND n.kind = 'file'
          WHERE f.image_id IN (SELECT image_id FROM v_unclaimed)
          ORDER BY n.path)
    GROUP BY image_id
    HAVING min(names) > 0
)
SELECT u.verdict, u.path, u.format, u.disk_size, u.virtual_size, u.mtime, u.since, u.backing_image, u.why, u.why_codes,
       u.assumes, u.reclaimable_bytes, CASE WHEN u.why_codes IS NULL THEN r.suggestion END AS suggestion
FROM v_unclaimed AS u
LEFT JOIN removal AS r ON r.image_id = u.image_id
ORDER BY u.verdict, u.disk_size DESC, u.path;
