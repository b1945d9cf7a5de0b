-- SPDX-License-Identifier: MIT
-- Fills what_if_broken, what_if_cost and the figures of what_if_row, from the other tables of a what-if.

-- The images that name a file that goes, and all their descendants. Of a file that keeps other names it matters by
-- which name, also when nothing names the file afterwards (step 1). UNION drops what was found before, so this ends on
-- any loop.
INSERT INTO what_if_broken (image_id, names_what_goes, depth)
WITH RECURSIVE direct AS (
    SELECT l.image_id, 1 AS names_what_goes
    FROM what_if_image AS w JOIN image AS i ON i.image_id = w.image_id JOIN what_if_link AS l ON l.file_id = i.file_id
    WHERE w.step = 0
    UNION
    SELECT o.image_id, o.backing_path IN (SELECT path FROM what_if_name)
    FROM what_if_image AS w JOIN image AS o ON o.backing_id = w.image_id
    WHERE w.keeps_name
      AND NOT EXISTS (SELECT 1 FROM file_name AS n WHERE n.path = o.backing_path AND n.kind = 'file'
                      AND n.path NOT IN (SELECT path FROM what_if_name))
),
reach AS (
    SELECT image_id, names_what_goes FROM direct
    UNION
    SELECT l.image_id, r.names_what_goes
    FROM reach AS r JOIN image AS i ON i.image_id = r.image_id JOIN what_if_link AS l ON l.file_id = i.file_id
)
SELECT r.image_id, max(r.names_what_goes),
       (SELECT min(c.depth) FROM v_layer AS c JOIN what_if_image AS w ON w.image_id = c.layer_id AND w.in_set
        WHERE c.image_id = r.image_id AND c.depth > 0)
FROM reach AS r
WHERE NOT EXISTS (SELECT 1 FROM what_if_image AS g WHERE g.image_id = r.image_id AND g.step = 0)
GROUP BY r.image_id;

-- What the files of an image that goes give back, all together.
INSERT INTO what_if_cost (image_id, is_gone, freed_bytes, most_bytes, needed_bytes, has_other_links, is_shared, is_encoded)
SELECT w.image_id, 1, CASE WHEN count(*) = count(w.freed_bytes) THEN sum(w.freed_bytes) END, sum(w.most_bytes), 0,
       coalesce(max(f.links > f.links_found), 0), coalesce(max(w.goes AND h.shared_bytes > 0), 0),
       coalesce(max(w.goes AND h.encoded_bytes > 0), 0)
FROM what_if_file AS w JOIN file AS f ON f.file_id = w.file_id LEFT JOIN v_file_blocks AS h ON h.file_id = w.file_id
GROUP BY w.image_id;

-- What the image of a commit and its backing image give back and take in place. Copying is counted in guest bytes,
-- which plain data takes on the host byte for byte; of compressed data only the sum is known, which an internal snapshot
-- may hold. Of what is emptied elsewhere than in blocks that are known to be the image's own, all that is shared may be
-- a part, but what of it is known to lie elsewhere; and all that the host compresses may be a part of the whole.
INSERT INTO what_if_cost (image_id, is_gone, freed_bytes, most_bytes, needed_bytes, has_other_links, is_shared, is_encoded)
WITH place AS (
    SELECT w.image_id, 1 AS is_in_set FROM what_if_deed AS d JOIN what_if_image AS w ON w.in_set WHERE d.action <> 'delete'
    UNION ALL
    SELECT c.layer_id, 0 FROM what_if_deed AS d JOIN what_if_image AS w ON w.in_set
    JOIN v_layer AS c ON c.image_id = w.image_id AND c.depth = 1 WHERE d.action = 'commit'
),
host AS (
    SELECT o.image_id, sum(f.disk_size) AS disk_size,
           CASE WHEN count(*) = count(h.shared_bytes) THEN sum(h.shared_bytes) END AS shared,
           sum(h.exclusive_bytes) AS exclusive, sum(h.encoded_bytes) AS encoded
    FROM what_if_owner AS o JOIN file AS f ON f.file_id = o.file_id LEFT JOIN v_file_blocks AS h ON h.file_id = o.file_id
    WHERE o.image_id IN (SELECT image_id FROM place)
    GROUP BY o.image_id
),
empty AS (
    SELECT p.image_id, coalesce(e.needed_bytes, 0) AS needed_bytes, coalesce(e.released_bytes, 0) AS released,
           coalesce(e.emptied_bytes, 0)
           + CASE WHEN p.is_in_set AND t.can_be_empty
                       AND NOT EXISTS (SELECT 1 FROM mapping AS m WHERE m.image_id = p.image_id AND m.snapshot IS NOT NULL)
                  THEN k.compressed_host ELSE 0 END AS emptied
    FROM place AS p JOIN image_account AS k ON k.image_id = p.image_id JOIN image_ability AS t ON t.image_id = p.image_id
    LEFT JOIN what_if_effect AS e ON e.image_id = p.image_id
)
SELECT e.image_id, 0,
       CASE WHEN min(h.disk_size, e.emptied) = 0 THEN 0
            ELSE max(min(h.exclusive, e.released + max(e.emptied - e.released - h.shared, 0)) - h.encoded, 0) END,
       min(h.disk_size, e.emptied), e.needed_bytes, 0, coalesce(h.shared > 0, 0), 0
FROM empty AS e JOIN host AS h ON h.image_id = e.image_id;

-- The set.
INSERT INTO what_if_row (effect, image_id, freed_bytes, most_bytes, needed_bytes, guest_bytes)
SELECT 'deleted', w.image_id, CASE WHEN c.image_id IS NULL THEN 0 ELSE c.freed_bytes END, coalesce(c.most_bytes, 0), 0,
       (SELECT u.data_bytes FROM v_usage AS u WHERE u.image_id = w.image_id)
FROM what_if_deed AS d JOIN what_if_image AS w ON w.in_set
LEFT JOIN what_if_cost AS c ON c.image_id = w.image_id AND c.is_gone AND NOT w.keeps_name
WHERE d.action = 'delete'
UNION ALL
SELECT 'flattened', w.image_id, 0, 0, CASE WHEN i.chain_ok THEN c.needed_bytes END, CASE WHEN i.chain_ok THEN c.needed_bytes END
FROM what_if_deed AS d JOIN what_if_image AS w ON w.in_set JOIN image AS i ON i.image_id = w.image_id
LEFT JOIN what_if_cost AS c ON c.image_id = w.image_id AND NOT c.is_gone
WHERE d.action = 'flatten'
UNION ALL
SELECT CASE WHEN w.in_set THEN 'committed' ELSE 'receives' END, c.image_id, c.freed_bytes, c.most_bytes,
       CASE WHEN w.in_set THEN 0 ELSE c.needed_bytes END,
       CASE WHEN w.in_set THEN (SELECT u.data_bytes FROM v_usage AS u WHERE u.image_id = c.image_id) ELSE c.needed_bytes END
FROM what_if_deed AS d JOIN what_if_cost AS c ON NOT c.is_gone LEFT JOIN what_if_image AS w ON w.image_id = c.image_id
WHERE d.action = 'commit';

INSERT INTO what_if_row (effect, image_id, snapshot, guest_bytes, is_change_known)
SELECT 'breaks', b.image_id, NULL,
       (SELECT sum(c.data_bytes) FROM v_layer AS c WHERE c.image_id = b.image_id AND c.depth >= b.depth), 1
FROM what_if_broken AS b
UNION ALL
SELECT CASE d.action WHEN 'flatten' THEN 'breaks' ELSE 'changes' END, w.image_id, s.name, w.changed_bytes, 1
FROM what_if_deed AS d JOIN what_if_snapshot AS w
JOIN (SELECT image_id, coalesce(name, id, '') AS name,
             row_number() OVER (PARTITION BY image_id ORDER BY snapshot) - 1 AS number
      FROM mapping WHERE snapshot IS NOT NULL) AS s ON s.image_id = w.image_id AND s.number = w.number
UNION ALL
SELECT 'changes', image_id, NULL, changed_bytes, 1 FROM what_if_effect WHERE changed_bytes > 0
UNION ALL
SELECT 'changes', r.image_id, NULL, NULL, 0
FROM (-- Images that read the base of a commit in ways that cannot be followed.
      SELECT c.image_id FROM what_if_row AS w JOIN v_layer AS c ON c.layer_id = w.image_id AND c.depth > 0
      JOIN image AS i ON i.image_id = c.image_id AND i.state <> 'ok'
      WHERE w.effect = 'receives' AND c.image_id NOT IN (SELECT a.image_id FROM what_if_image AS a WHERE a.in_set)
      UNION
      SELECT l.image_id FROM what_if_row AS w JOIN image AS i ON i.image_id = w.image_id
      JOIN what_if_link AS l ON l.file_id = i.file_id AND NOT l.backing WHERE w.effect = 'receives') AS r
WHERE r.image_id NOT IN (SELECT e.image_id FROM what_if_effect AS e WHERE e.changed_bytes > 0);

-- What nothing names any more, and what is read less.
INSERT INTO what_if_row (effect, step, image_id, freed_bytes, most_bytes, needed_bytes)
SELECT 'unreferenced', w.step, w.image_id, CASE WHEN c.image_id IS NULL THEN 0 ELSE c.freed_bytes END,
       coalesce(c.most_bytes, 0), 0
FROM what_if_judged AS j JOIN what_if_image AS w ON w.image_id = j.image_id
LEFT JOIN what_if_cost AS c ON c.image_id = w.image_id AND c.is_gone
WHERE j.effect = 'unreferenced';

INSERT INTO what_if_row (effect, image_id, guest_bytes, masked_before, masked_after)
SELECT 'masked-more', a.image_id, a.masked_bytes - u.masked_bytes, u.masked_bytes, a.masked_bytes
FROM what_if_judged AS j JOIN what_if_usage AS a ON a.image_id = j.image_id JOIN usage AS u ON u.image_id = j.image_id
WHERE j.effect = 'masked-more'
  AND NOT EXISTS (SELECT 1 FROM what_if_image AS g WHERE g.image_id = a.image_id AND g.step IS NOT NULL);

-- A file that loses the name by which it is called has another one.
UPDATE what_if_row AS r SET
  is_head = NOT EXISTS (SELECT 1 FROM image AS o WHERE o.backing_id = r.image_id),
  path = coalesce(
    (SELECT min(n.path) FROM what_if_deed AS d JOIN image AS i ON i.image_id = r.image_id
     JOIN file_name AS n ON n.file_id = i.file_id AND n.kind = 'file' AND n.path NOT IN (SELECT path FROM what_if_name)
     WHERE r.effect = 'unreferenced' AND d.action = 'delete' AND i.path IN (SELECT path FROM what_if_name)),
    (SELECT i.path FROM image AS i WHERE i.image_id = r.image_id));
