-- SPDX-License-Identifier: MIT
-- title: What deleting, flattening or committing images would free, cost and break
-- about: Nothing is done. The set is computed as one: two images together can free more than the sum of both.
-- about: Deleting an image deletes all files that it is made of, except those that other images use; a file that
-- about: keeps another name stays. Flattening is `qemu-img rebase -b ''`, committing `qemu-img commit` without -b and -d.
-- about: freed_bytes are blocks on the host that are certain to be freed, without those of the format's own tables, which
-- about: may stay or go. How many blocks that something else uses too (reflinks) are freed in addition is unknown: a file
-- about: outside the roots may hold them. freed_at_most counts them where no known file that stays uses them, once, with
-- about: the last image of the set. A file with a hard link that the scan did not find frees nothing.
-- about: needed_bytes is an upper bound: sectors of zeroes are not copied, and maps do not distinguish them from data.
-- about: Writing to blocks that something else uses too takes new ones. The format's own tables grow in addition.
-- about: breaks and changes list images of the scan; if there may be others, the verdict of total is unproven.
-- about: proven: the row depends on nothing that the scan could not find out. Valid for the time of the scan and its roots.
-- parameter: :action | delete, flatten or commit
-- column: effect | text | deleted, flattened, committed (the set), receives, breaks, changes, unreferenced, masked-more, total, total-with-next
-- column: step | count | unreferenced: 1 after the action, 2 after those of 1 were deleted too, and so on
-- column: verdict | text | proven or unproven
-- column: path | path | the image
-- column: snapshot | text | the internal snapshot of it that the row is about
-- column: is_head | flag | no image names it as its backing file
-- column: freed_bytes | bytes | blocks on the host that are given back for certain; empty where the host does not report what its files share
-- column: freed_at_most | bytes | the same with blocks that something else uses too, but no known file that stays
-- column: needed_bytes | bytes | host space that is needed, at most
-- column: guest_bytes | bytes | guest bytes concerned: lost, unreadable, read otherwise, copied; empty where unknown
-- column: masked_before | bytes | masked-more: guest bytes of its data that no head and no internal snapshot reads, before
-- column: masked_after | bytes | masked-more: after
-- column: detail | text | what happens, in words
-- column: why | text | why the verdict is not proven; empty when it is
-- column: why_codes | text | the codes of these doubts
-- column: assumes | text | accepted findings (`imgaudit accept`) that the verdict rests on: without that they would be doubts
SELECT r.effect, r.step, CASE WHEN w.why IS NULL THEN 'proven' ELSE 'unproven' END AS verdict, r.path, r.snapshot,
       r.is_head, r.freed_bytes, r.most_bytes AS freed_at_most, r.needed_bytes, r.guest_bytes, r.masked_before, r.masked_after,
       w.detail, w.why, w.why_codes,
       (SELECT s.assumes FROM what_if_assumption AS s
        WHERE (s.effect = r.effect AND s.image_id = r.image_id)
           OR (s.effect = 'all' AND r.effect IN ('deleted', 'committed', 'total', 'total-with-next'))
        ORDER BY s.effect = 'all' LIMIT 1) AS assumes
FROM what_if_row AS r JOIN what_if_words AS w ON w.row_id = r.row_id JOIN what_if_deed AS d ON d.action = :action
ORDER BY w.rank, r.step, r.path, r.snapshot;
