-- SPDX-License-Identifier: MIT
-- title: What deleting, flattening or committing images would free, cost and break
-- about: Nothing is done. The set is looked at as one: what two images free together can be more than the sum of each.
-- about: Deleting an image deletes all files that it is made of, but those that other images use; a file that keeps
-- about: another name stays. Flattening is `qemu-img rebase -b ''`, committing `qemu-img commit` without -b and -d.
-- about: freed_bytes are blocks on the host, but for those of the format's own tables, which may stay or go. They are
-- about: certain. What of the blocks something else uses too (reflinks) is freed besides, nobody can tell: a file outside
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
WITH RECURSIVE
-- Verdicts are the judge's; these are texts.
unknown AS (SELECT coalesce('; ' || why, '') AS doubts FROM what_if_verdict WHERE effect = 'all'),
own AS (
    SELECT i.image_id, coalesce('; ' || w.why, '') AS doubts
    FROM image AS i LEFT JOIN what_if_verdict AS w ON w.image_id = i.image_id AND w.effect = 'own'
),
head AS (SELECT image_id, NOT EXISTS (SELECT 1 FROM image AS o WHERE o.backing_id = i.image_id) AS is_head FROM image AS i),
gone AS (SELECT image_id, step FROM what_if_image WHERE step IS NOT NULL),
asked AS (SELECT image_id, step FROM what_if_image WHERE asked),
base AS (SELECT c.layer_id AS image_id FROM asked AS a JOIN chain AS c ON c.image_id = a.image_id AND c.depth = 1
         WHERE :action = 'commit'),
owner AS (
    SELECT image_id, file_id FROM image
    UNION
    SELECT image_id, file_id FROM image_file WHERE file_id IS NOT NULL
),
-- What the files of a deleted image give back, all together.
freed AS (
    SELECT w.image_id, CASE WHEN count(*) = count(w.freed_bytes) THEN sum(w.freed_bytes) END AS bytes,
           sum(w.most_bytes) AS most, max(f.links > f.links_met) AS has_other_links,
           max(w.goes AND h.shared_bytes > 0) AS shares, max(w.goes AND h.encoded_bytes > 0) AS is_encoded
    FROM what_if_file AS w JOIN file AS f ON f.file_id = w.file_id LEFT JOIN v_file_blocks AS h ON h.file_id = w.file_id
    GROUP BY w.image_id
),
-- Why deleting an image frees less than its blocks.
remark AS (
    SELECT image_id,
           CASE WHEN has_other_links THEN '; its file has hard links that the scan did not meet' ELSE '' END
           || CASE WHEN shares THEN '; something else uses some of its blocks' ELSE '' END
           || CASE WHEN is_encoded THEN '; the host compresses it and does not tell what that takes' ELSE '' END AS detail
    FROM freed
),
-- The blocks of all files of an image that an action writes to.
host AS (
    SELECT o.image_id, sum(f.disk_size) AS disk_size,
           CASE WHEN count(*) = count(h.shared_bytes) THEN sum(h.shared_bytes) END AS shared,
           sum(h.exclusive_bytes) AS exclusive, sum(h.encoded_bytes) AS encoded
    FROM owner AS o JOIN file AS f ON f.file_id = o.file_id LEFT JOIN v_file_blocks AS h ON h.file_id = o.file_id
    WHERE o.image_id IN (SELECT image_id FROM asked UNION SELECT image_id FROM base)
    GROUP BY o.image_id
),
-- What an image in place gives back and takes: a copying action is told in guest bytes, which plain data takes on the
-- host byte for byte; of compressed data only the sum is known, which an internal snapshot may hold.
empty AS (
    SELECT i.image_id, coalesce(e.needed_bytes, 0) AS needed_bytes, coalesce(e.released_bytes, 0) AS released,
           coalesce(e.emptied_bytes, 0)
           + CASE WHEN a.image_id IS NOT NULL AND t.can_be_empty
                       AND NOT EXISTS (SELECT 1 FROM mapping AS m WHERE m.image_id = i.image_id AND m.snapshot IS NOT NULL)
                  THEN k.compressed_host ELSE 0 END AS emptied
    FROM image AS i
    JOIN image_account AS k ON k.image_id = i.image_id
    JOIN image_ability AS t ON t.image_id = i.image_id
    LEFT JOIN asked AS a ON a.image_id = i.image_id
    LEFT JOIN what_if_effect AS e ON e.image_id = i.image_id
    WHERE i.image_id IN (SELECT image_id FROM asked UNION SELECT image_id FROM base)
),
-- Of what is emptied elsewhere than in blocks that are known to be the image's own, all that is shared may be a part,
-- but what of it is known to lie elsewhere; and all that the host compresses may be a part of the whole.
emptied AS (
    SELECT e.image_id, e.needed_bytes, min(h.disk_size, e.emptied) AS most,
           CASE WHEN min(h.disk_size, e.emptied) = 0 THEN 0
                ELSE max(min(h.exclusive, e.released + max(e.emptied - e.released - h.shared, 0)) - h.encoded, 0)
                END AS freed_bytes,
           h.shared > 0 AS shares
    FROM empty AS e JOIN host AS h ON h.image_id = e.image_id
),
-- Who names a file that goes. Of a file that keeps other names it matters by which name.
hit AS (
    SELECT l.image_id, 1 AS sure
    FROM gone AS g JOIN image AS i ON i.image_id = g.image_id JOIN what_if_link AS l ON l.file_id = i.file_id
    WHERE g.step = 0
    UNION
    SELECT o.image_id, o.backing_path IN (SELECT path FROM what_if_name)
    FROM asked AS a JOIN image AS o ON o.backing_id = a.image_id
    WHERE :action = 'delete' AND a.step IS NULL
      AND NOT EXISTS (SELECT 1 FROM file_name AS n WHERE n.path = o.backing_path AND n.kind = 'file'
                      AND n.path NOT IN (SELECT path FROM what_if_name))
),
-- UNION drops what was met before, so this ends on any ring.
reach AS (
    SELECT image_id, sure FROM hit
    UNION
    SELECT l.image_id, r.sure
    FROM reach AS r JOIN image AS i ON i.image_id = r.image_id JOIN what_if_link AS l ON l.file_id = i.file_id
),
broken AS (
    SELECT r.image_id, max(r.sure) AS sure,
           (SELECT min(c.depth) FROM chain AS c JOIN asked AS a ON a.image_id = c.layer_id
            WHERE c.image_id = r.image_id AND c.depth > 0) AS depth
    FROM reach AS r
    WHERE NOT EXISTS (SELECT 1 FROM gone AS g WHERE g.image_id = r.image_id AND g.step = 0)
    GROUP BY r.image_id
),
-- What would be masked more.
masked AS (
    SELECT a.image_id, a.masked_bytes AS after, u.masked_bytes AS before, a.visible_present
    FROM what_if_usage AS a JOIN usage AS u ON u.image_id = a.image_id
    WHERE a.masked_bytes > u.masked_bytes AND a.image_id NOT IN (SELECT image_id FROM gone)
),
snapshot AS (
    SELECT image_id, coalesce(name, id) AS name,
           row_number() OVER (PARTITION BY image_id ORDER BY snapshot) - 1 AS number
    FROM mapping WHERE snapshot IS NOT NULL
),
-- Images that read the base of a commit in ways that cannot be followed.
blind AS (
    SELECT c.image_id FROM base AS b JOIN chain AS c ON c.layer_id = b.image_id AND c.depth > 0
    JOIN image AS i ON i.image_id = c.image_id AND i.state <> 'ok'
    WHERE c.image_id NOT IN (SELECT image_id FROM asked)
    UNION
    SELECT l.image_id FROM base AS b JOIN image AS i ON i.image_id = b.image_id
    JOIN what_if_link AS l ON l.file_id = i.file_id AND NOT l.backing
),
item AS (
    SELECT 1 AS rank, CASE :action WHEN 'delete' THEN 'deleted' WHEN 'flatten' THEN 'flattened' ELSE 'committed' END
               AS effect,
           NULL AS step, i.image_id, NULL AS snapshot,
           CASE :action WHEN 'delete' THEN CASE WHEN f.image_id IS NULL THEN 0 ELSE f.bytes END
                WHEN 'flatten' THEN 0 ELSE e.freed_bytes END AS freed_bytes,
           CASE :action WHEN 'delete' THEN coalesce(f.most, 0) WHEN 'flatten' THEN 0 ELSE e.most END AS freed_at_most,
           CASE WHEN :action <> 'flatten' THEN 0 WHEN i.chain_ok THEN e.needed_bytes END AS needed_bytes,
           CASE WHEN :action = 'flatten' THEN CASE WHEN i.chain_ok THEN e.needed_bytes END
                ELSE (SELECT data_bytes FROM v_usage AS u WHERE u.image_id = i.image_id) END AS guest_bytes,
           NULL AS masked_before, NULL AS masked_after,
           CASE WHEN :action = 'delete' THEN
                    CASE WHEN a.step IS NULL THEN 'its file keeps other names, and stays'
                         WHEN h.is_head AND i.backing_id IS NOT NULL THEN 'a head: its own data is lost'
                         WHEN h.is_head THEN 'a disk that stands alone: its data is lost'
                         ELSE 'other images stand on it' END || coalesce(r.detail, '')
                WHEN d.backing_name IS NULL AND i.backing_id IS NULL THEN 'it has no backing file: nothing to do'
                WHEN :action = 'flatten' THEN
                    CASE WHEN t.can_rebase THEN 'stands alone with the same content'
                         ELSE 'qemu-img cannot rebase an image of this format in place: convert it to a new one' END
                WHEN t.can_be_empty THEN 'emptied: reads everything from its backing file'
                     || CASE WHEN e.shares THEN '; something else uses some of its blocks' ELSE '' END
                ELSE 'qemu-img does not empty an image of this format: it keeps its data' END AS detail,
           CASE WHEN :action = 'flatten' THEN '' ELSE (SELECT doubts FROM unknown) END
           || CASE WHEN :action = 'flatten' AND NOT i.chain_ok THEN '; its chain is broken' ELSE '' END
           || CASE WHEN :action = 'commit' AND NOT i.chain_ok THEN '; its chain is broken' ELSE '' END
           || CASE WHEN :action = 'commit' AND NOT t.can_commit
                   THEN '; qemu-img does not commit images of this kind' ELSE '' END
           || CASE WHEN :action <> 'delete' AND d.has_data_file
                   THEN '; it keeps its data in an external file, which QEMU treats in its own way' ELSE '' END
           || CASE WHEN (:action = 'delete' AND f.image_id IS NOT NULL AND f.bytes IS NULL)
                        OR (:action = 'commit' AND e.freed_bytes IS NULL)
                   THEN '; the host does not tell what its files share' ELSE '' END AS doubts
    FROM asked AS a JOIN image AS i ON i.image_id = a.image_id JOIN head AS h ON h.image_id = i.image_id
    JOIN image_header AS d ON d.image_id = i.image_id
    JOIN image_ability AS t ON t.image_id = i.image_id
    LEFT JOIN emptied AS e ON e.image_id = i.image_id
    LEFT JOIN freed AS f ON f.image_id = i.image_id
    LEFT JOIN remark AS r ON r.image_id = i.image_id
    UNION ALL
    SELECT 2, 'receives', NULL, i.image_id, NULL, e.freed_bytes, e.most, e.needed_bytes, e.needed_bytes, NULL, NULL,
           'is written to, where ' || o.path || ' has something of its own'
           || CASE WHEN od.virtual_size > d.virtual_size
                   THEN ', and grows from ' || d.virtual_size || ' to ' || od.virtual_size || ' guest bytes' ELSE '' END
           || CASE WHEN e.shares THEN '; something else uses some of its blocks: what is written there takes new ones'
                   ELSE '' END,
           CASE WHEN NOT t.can_receive THEN '; qemu-img does not commit into images of this kind' ELSE '' END
           || CASE WHEN od.virtual_size > d.virtual_size AND t.can_grow AND NOT t.can_grow_with_snapshots
                        AND EXISTS (SELECT 1 FROM snapshot AS s WHERE s.image_id = i.image_id)
                   THEN '; QEMU does not let such an image with internal snapshots grow' ELSE '' END
           || CASE WHEN t.zeroes_are_known THEN '' ELSE '; how QEMU writes zeroes to images of this kind is not followed' END
           || CASE WHEN od.virtual_size > d.virtual_size AND NOT t.can_grow
                   THEN '; QEMU does not let images of this kind grow' ELSE '' END
           || CASE WHEN od.virtual_size > d.virtual_size AND NOT t.can_grow_over_backing
                        AND d.virtual_size < (SELECT k.virtual_size FROM image_header AS k WHERE k.image_id = i.backing_id)
                   THEN '; QEMU does not let it grow over a larger backing file' ELSE '' END
           || CASE WHEN d.has_data_file
                   THEN '; it keeps its data in an external file, which QEMU treats in its own way' ELSE '' END
           || CASE WHEN e.freed_bytes IS NULL THEN '; the host does not tell what its files share' ELSE '' END
    FROM base AS b JOIN image AS i ON i.image_id = b.image_id JOIN image_header AS d ON d.image_id = b.image_id
    JOIN image_ability AS t ON t.image_id = b.image_id
    JOIN emptied AS e ON e.image_id = b.image_id
    JOIN asked AS a JOIN image AS o ON o.image_id = a.image_id JOIN image_header AS od ON od.image_id = a.image_id
    UNION ALL
    SELECT 3, 'breaks', NULL, b.image_id, NULL, NULL, NULL, NULL,
           (SELECT sum(c.data_bytes) FROM chain AS c WHERE c.image_id = b.image_id AND c.depth >= b.depth), NULL, NULL,
           CASE WHEN b.depth IS NULL THEN 'refers to what is deleted, otherwise than as its backing file'
                ELSE 'reads through ' || (SELECT l.path FROM chain AS c JOIN image AS l ON l.image_id = c.layer_id
                                          WHERE c.image_id = b.image_id AND c.depth = b.depth)
                     || ', and does not open without it' END,
           CASE WHEN b.sure THEN '' ELSE '; it may name the file by a name that stays' END
           || CASE WHEN i.chain_ok OR i.state <> 'ok' THEN '' ELSE '; its chain is broken already' END
    FROM broken AS b JOIN image AS i ON i.image_id = b.image_id
    UNION ALL
    SELECT CASE :action WHEN 'flatten' THEN 3 ELSE 4 END, CASE :action WHEN 'flatten' THEN 'breaks' ELSE 'changes' END,
           NULL, w.image_id, s.name, NULL, NULL, NULL, w.changed_bytes, NULL, NULL,
           CASE :action WHEN 'flatten' THEN 'its internal snapshots go on to read through it: this one reads zeroes where it read the backing file'
                ELSE 'this internal snapshot reads what is committed' END, ''
    FROM what_if_snapshot AS w
    LEFT JOIN snapshot AS s ON s.image_id = w.image_id AND s.number = w.number
    UNION ALL
    SELECT 4, 'changes', NULL, w.image_id, NULL, NULL, NULL, NULL, w.changed_bytes, NULL, NULL,
           'reads what is committed instead of what it read before', ''
    FROM what_if_effect AS w WHERE w.changed_bytes > 0
    UNION ALL
    SELECT 4, 'changes', NULL, b.image_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
           'reads the backing file that is written to',
           '; how much of it, and what, is not known'
    FROM blind AS b WHERE b.image_id NOT IN (SELECT image_id FROM what_if_effect WHERE changed_bytes > 0)
    UNION ALL
    SELECT 5, 'unreferenced', g.step, i.image_id, NULL,
           CASE WHEN f.image_id IS NULL THEN 0 ELSE f.bytes END, coalesce(f.most, 0), 0, NULL, NULL, NULL,
           CASE g.step WHEN 1 THEN 'nothing would name it any more'
                ELSE 'nothing would name it any more, once those of step ' || (g.step - 1) || ' are deleted' END
           || CASE WHEN (SELECT count(*) FROM file_name AS n WHERE n.file_id = i.file_id AND n.kind = 'file') > 1
                   THEN '; its file has several names' ELSE '' END
           || coalesce(r.detail, ''),
           coalesce('; ' || w.why, '')
           || CASE WHEN f.image_id IS NOT NULL AND f.bytes IS NULL
              THEN '; the host does not tell what its files share' ELSE '' END
    FROM gone AS g JOIN image AS i ON i.image_id = g.image_id
    JOIN what_if_verdict AS w ON w.image_id = g.image_id AND w.effect = 'unreferenced'
    LEFT JOIN freed AS f ON f.image_id = i.image_id
    LEFT JOIN remark AS r ON r.image_id = i.image_id
    WHERE g.step > 0
    UNION ALL
    SELECT 6, 'masked-more', NULL, m.image_id, NULL, NULL, NULL, NULL, m.after - m.before, m.before, m.after,
           CASE WHEN m.visible_present = 0 THEN 'nobody would read one byte of it any more'
                ELSE 'less of it would be read' END,
           coalesce('; ' || w.why, '')
           || CASE WHEN :action = 'flatten' AND m.image_id IN (SELECT image_id FROM asked)
                   THEN '; sectors of zeroes are not copied: so much at most' ELSE '' END
    FROM masked AS m JOIN what_if_verdict AS w ON w.image_id = m.image_id AND w.effect = 'masked-more'
),
line AS (
    SELECT t.rank, t.effect, t.step,
           -- A file that loses the name by which it is called has another one.
           CASE WHEN t.rank = 5 AND :action = 'delete' AND i.path IN (SELECT path FROM what_if_name)
                THEN (SELECT min(n.path) FROM file_name AS n WHERE n.file_id = i.file_id AND n.kind = 'file'
                      AND n.path NOT IN (SELECT path FROM what_if_name)) ELSE i.path END AS path, t.snapshot, h.is_head, t.freed_bytes, t.freed_at_most, t.needed_bytes,
           t.guest_bytes,
           t.masked_before, t.masked_after, t.detail, t.doubts || CASE WHEN t.rank IN (5, 6) THEN '' ELSE o.doubts END AS doubts
    FROM item AS t JOIN image AS i ON i.image_id = t.image_id JOIN head AS h ON h.image_id = t.image_id
    JOIN own AS o ON o.image_id = t.image_id
    UNION ALL
    SELECT 7, 'total', NULL, NULL, NULL, NULL, CASE WHEN count(*) = count(freed_bytes) THEN sum(freed_bytes) END,
           sum(freed_at_most),
           CASE WHEN count(*) FILTER (WHERE rank = 1 AND needed_bytes IS NULL) = 0 THEN sum(needed_bytes) END,
           NULL, NULL, NULL, 'what the action alone frees and needs',
           (SELECT doubts FROM unknown)
           || CASE WHEN EXISTS (SELECT 1 FROM item AS t JOIN own AS o ON o.image_id = t.image_id
                                WHERE t.rank < 5 AND t.doubts || o.doubts NOT IN ('', (SELECT doubts FROM unknown)))
                   THEN '; rows above say more' ELSE '' END
    FROM item WHERE rank <= 2 HAVING count(*) > 0
    UNION ALL
    SELECT 8, 'total-with-next', max(step), NULL, NULL, NULL,
           CASE WHEN count(*) = count(freed_bytes) THEN sum(freed_bytes) END, sum(freed_at_most), sum(needed_bytes), NULL, NULL, NULL,
           'the same, when all that is unreferenced then is deleted too',
           (SELECT doubts FROM unknown)
           || CASE WHEN EXISTS (SELECT 1 FROM item AS t JOIN own AS o ON o.image_id = t.image_id
                                WHERE t.doubts || o.doubts NOT IN ('', (SELECT doubts FROM unknown)))
                   THEN '; rows above say more' ELSE '' END
    FROM item WHERE rank IN (1, 2, 5) HAVING count(*) FILTER (WHERE rank = 5) > 0
)
SELECT effect, step, CASE doubts WHEN '' THEN 'proven' ELSE 'unproven' END AS verdict, path, snapshot, is_head,
       freed_bytes, freed_at_most, needed_bytes, guest_bytes, masked_before, masked_after, detail,
       CASE doubts WHEN '' THEN NULL ELSE substr(doubts, 3) END AS why
FROM line
ORDER BY rank, step, path, snapshot;
