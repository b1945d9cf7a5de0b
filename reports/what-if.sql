-- SPDX-License-Identifier: MIT
-- title: What deleting, flattening or committing images would free, cost and break
-- about: Nothing is done. The set is looked at as one: what two images free together can be more than the sum of each.
-- about: Deleting an image deletes all files that it is made of, but those that other images use; a file that keeps
-- about: another name stays. Flattening is `qemu-img rebase -b ''`, committing `qemu-img commit` without -b and -d.
-- about: freed_bytes are blocks on the host, but for those of the format's own tables, which may stay or go. They are
-- about: certain. What of the blocks something else uses too (reflinks) is freed besides, nobody can say: a file outside
-- about: of the roots may hold them. freed_at_most counts them where no file that is known and stays uses them, once,
-- about: with the one of the set that goes last. A file with a hard link that the scan did not meet frees nothing.
-- about: needed_bytes is the most that is needed: sectors of zeroes are not copied, and the maps do not tell them from
-- about: data. What is written to blocks that something else uses too takes new ones. The format's own tables grow besides.
-- about: breaks and changes list the images that the scan knows. Whether there may be others says the verdict of total.
-- about: proven: the row rests on nothing that the scan could not find out. True of the time of the scan and its roots.
-- parameter: :action | delete, flatten or commit
-- column: effect | text | deleted, flattened, committed (the set), receives, breaks, changes, unreferenced, masked-more, total, total-with-next
-- column: step | count | unreferenced: 1 after the action, 2 after those of 1 were deleted too, and so on
-- column: verdict | text | proven or unproven
-- column: path | path | the image
-- column: snapshot | text | the internal snapshot of it that the row is about
-- column: is_head | flag | no image names it as its backing file
-- column: freed_bytes | bytes | blocks on the host that are given back for certain; empty where the host does not tell what its files share
-- column: freed_at_most | bytes | the same with blocks that something else uses too, but no file that is known and stays
-- column: needed_bytes | bytes | host space that has to be found, at most
-- column: guest_bytes | bytes | guest bytes concerned: lost, unreadable, read otherwise, copied; empty where not known
-- column: masked_before | bytes | masked-more: guest bytes of its data that nobody reads, before
-- column: masked_after | bytes | masked-more: after
-- column: detail | text | what happens, in words
-- column: why | text | why the verdict is not proven; empty when it is
-- column: why_codes | text | the codes of its reasons
SELECT r.effect, r.step, CASE WHEN w.why IS NULL THEN 'proven' ELSE 'unproven' END AS verdict, r.path, r.snapshot,
       CASE WHEN r.image_id IS NOT NULL
            THEN NOT EXISTS (SELECT 1 FROM image AS o WHERE o.backing_id = r.image_id) END AS is_head,
       r.freed_bytes, r.most_bytes AS freed_at_most, r.needed_bytes, r.guest_bytes, r.masked_before, r.masked_after,
       w.detail, w.why, w.why_codes
FROM what_if_row AS r JOIN what_if_words AS w ON w.row_id = r.row_id JOIN what_if_deed AS d ON d.action = :action
ORDER BY w.rank, r.step, r.path, r.snapshot;
