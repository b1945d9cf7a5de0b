-- SPDX-License-Identifier: MIT
-- What the report what-if reads besides the store: temporary tables of the reader's connection, made anew for each
-- what-if. Bytes are guest bytes unless stated otherwise.

-- The names that were given, as the store has them.
CREATE TEMP TABLE what_if_name (path TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

-- The images of the set, and what becomes of images.
CREATE TEMP TABLE what_if_image (
    image_id   INTEGER PRIMARY KEY,
    in_set     INTEGER NOT NULL,  -- 1: of the set
    keeps_name INTEGER NOT NULL,  -- 1: of the set of a deletion that leaves its file another name: it loses names only
    step       INTEGER            -- 0: deleted; 1: nothing names it any more then; 2: nor this when those of 1 are gone...
                                  -- NULL: it stays
) STRICT;

-- Which files images are made of.
CREATE TEMP VIEW what_if_owner AS
SELECT image_id, file_id FROM image
UNION
SELECT image_id, file_id FROM image_file WHERE file_id IS NOT NULL;

-- Which image refers to which file of another, by what the scan followed and by every name that it could not follow.
CREATE TEMP TABLE what_if_link (
    image_id INTEGER NOT NULL,
    file_id  INTEGER NOT NULL,
    backing  INTEGER NOT NULL,  -- 1: as its backing file
    PRIMARY KEY (image_id, file_id, backing)
) STRICT, WITHOUT ROWID;
CREATE INDEX temp.what_if_link_file ON what_if_link (file_id);

-- What deed it is.
CREATE TEMP TABLE what_if_deed (action TEXT NOT NULL CHECK (action IN ('delete', 'flatten', 'commit'))) STRICT;

-- What was judged as the next scan would: there is a row of the report for these only.
CREATE TEMP TABLE what_if_judged (
    effect   TEXT NOT NULL CHECK (effect IN ('unreferenced', 'masked-more')),
    image_id INTEGER NOT NULL,
    PRIMARY KEY (effect, image_id)
) STRICT, WITHOUT ROWID;

-- Why verdicts about images are not proven (src/judge).
CREATE TEMP TABLE what_if_doubt (
    effect   TEXT NOT NULL CHECK (effect IN ('unreferenced', 'masked-more', 'deleted', 'all', 'own')),
                                -- 'unreferenced', 'masked-more': all that the next scan would doubt of such a row;
                                -- 'deleted': what is doubted of it as a candidate before;
                                -- 'all': of every image, before; 'own': of the image itself, whatever becomes of it
    image_id INTEGER NOT NULL,  -- 0: 'all'
    code     INTEGER NOT NULL,  -- enum ia_doubt
    subject  TEXT NOT NULL,
    PRIMARY KEY (effect, image_id, code, subject)
) STRICT, WITHOUT ROWID;

-- Accepted findings without which verdicts of such rows would not be proven, in words. effect, image_id: as above, and
-- never 'own'.
CREATE TEMP TABLE what_if_assumption (
    effect   TEXT NOT NULL CHECK (effect IN ('unreferenced', 'masked-more', 'deleted', 'all')),
    image_id INTEGER NOT NULL,
    assumes  TEXT NOT NULL,
    PRIMARY KEY (effect, image_id)
) STRICT, WITHOUT ROWID;

-- The host files that go with images that are gone, or lose a name.
CREATE TEMP TABLE what_if_file (
    file_id     INTEGER PRIMARY KEY,
    image_id    INTEGER NOT NULL,  -- one of the images that take it along
    step        INTEGER NOT NULL,
    goes        INTEGER NOT NULL,  -- 0: a name of it stays, and so do its blocks
    freed_bytes INTEGER,           -- blocks that are freed for certain; NULL: unknown (the host does not report it)
    most_bytes  INTEGER NOT NULL   -- blocks that no file uses that is known and stays; counted with the file that goes last
) STRICT;

-- What the action writes (src/analysis/forest_edit.h), for the images of the set and their backing images.
CREATE TEMP TABLE what_if_effect (
    image_id       INTEGER PRIMARY KEY,
    needed_bytes   INTEGER NOT NULL,
    emptied_bytes  INTEGER NOT NULL,
    released_bytes INTEGER NOT NULL,
    changed_bytes  INTEGER NOT NULL
) STRICT;

-- Internal snapshots that read otherwise than before.
CREATE TEMP TABLE what_if_snapshot (
    image_id      INTEGER NOT NULL,
    number        INTEGER NOT NULL,  -- among the image's snapshots, from 0
    changed_bytes INTEGER NOT NULL,
    PRIMARY KEY (image_id, number)
) STRICT, WITHOUT ROWID;

-- The accounts after the action, as in the table usage, of the images in all trees that are concerned.
CREATE TEMP TABLE what_if_usage (
    image_id        INTEGER PRIMARY KEY,
    visible_bytes   INTEGER NOT NULL,
    visible_present INTEGER NOT NULL,
    masked_bytes    INTEGER NOT NULL,
    exclusive_bytes INTEGER NOT NULL,
    shared_bytes    INTEGER NOT NULL
) STRICT;

-- The images that would break.
CREATE TEMP TABLE what_if_broken (
    image_id        INTEGER PRIMARY KEY,
    names_what_goes INTEGER NOT NULL,  -- 0: it may name the file by a name that stays
    depth           INTEGER            -- the first of its chain that is gone; NULL: it refers to one otherwise
) STRICT;

-- Host bytes that images give back: by their files going, or by being emptied or written to in place.
CREATE TEMP TABLE what_if_cost (
    image_id        INTEGER NOT NULL,
    is_gone         INTEGER NOT NULL,
    freed_bytes     INTEGER,           -- for certain; NULL: the host does not report what its files share
    most_bytes      INTEGER NOT NULL,
    needed_bytes    INTEGER NOT NULL,  -- guest bytes that are written
    has_other_links INTEGER NOT NULL,  -- 1: hard links that the scan did not find
    is_shared       INTEGER NOT NULL,  -- 1: something else uses some of its blocks
    is_encoded      INTEGER NOT NULL,  -- 1: the host compresses it
    PRIMARY KEY (image_id, is_gone)
) STRICT, WITHOUT ROWID;

-- The report's rows.
CREATE TEMP TABLE what_if_row (
    row_id          INTEGER PRIMARY KEY,
    effect          TEXT NOT NULL  -- enum ia_effect (src/judge/deed.h)
                    CHECK (effect IN ('deleted', 'flattened', 'committed', 'receives', 'breaks', 'changes', 'unreferenced',
                                      'masked-more', 'total', 'total-with-next')),
    step            INTEGER,
    image_id        INTEGER,           -- NULL: totals
    path            TEXT,
    is_head         INTEGER,
    snapshot        TEXT,
    freed_bytes     INTEGER,           -- host bytes
    most_bytes      INTEGER,
    needed_bytes    INTEGER,
    guest_bytes     INTEGER,
    is_change_known INTEGER NOT NULL DEFAULT 1,
    masked_before   INTEGER,
    masked_after    INTEGER
) STRICT;

-- The words of each, made of its facts (src/what_if/words.c).
CREATE TEMP TABLE what_if_words (
    row_id    INTEGER PRIMARY KEY,
    rank      INTEGER NOT NULL,  -- enum ia_effect
    detail    TEXT NOT NULL,
    why       TEXT,              -- NULL: proven
    why_codes TEXT
) STRICT;

-- The facts: what is known of the image of each.
CREATE TEMP VIEW what_if_fact AS
SELECT r.row_id, r.effect, r.step, r.image_id, r.freed_bytes, r.most_bytes, r.needed_bytes, r.snapshot,
       coalesce(w.keeps_name, 0) AS keeps_name,
       r.is_head, i.is_template,
       i.backing_id IS NOT NULL AS has_backing, i.backing_id IS NOT NULL OR d.backing_name IS NOT NULL AS names_backing,
       (SELECT count(*) FROM file_name AS n WHERE n.file_id = i.file_id AND n.kind = 'file'
        AND (a.action <> 'delete' OR n.path NOT IN (SELECT path FROM what_if_name))) > 1 AS has_names,
       t.is_foreign, t.can_rebase, t.can_be_empty,
       c.has_other_links, c.is_shared, c.is_encoded,
       (SELECT l.path FROM v_layer AS x JOIN image AS l ON l.image_id = x.layer_id
        WHERE x.image_id = i.image_id AND x.depth = b.depth) AS broken_at,
       (SELECT group_concat(name, ''', ''') FROM (
            SELECT DISTINCT m.name FROM claim AS k JOIN machine AS m USING (machine_id) WHERE k.file_id IN (
                SELECT i.file_id UNION SELECT x.file_id FROM image_file AS x WHERE x.image_id = i.image_id) ORDER BY 1)) AS machines,
       o.path AS overlay, d.virtual_size, od.virtual_size AS overlay_size, u.visible_present = 0 AS is_unread,
       -- struct ia_effect_facts
       w.in_set AND a.action = 'flatten' AS is_flattened, i.state = 'ok' AS is_ok, i.chain_ok, d.has_data_file,
       EXISTS (SELECT 1 FROM mapping AS m WHERE m.image_id = i.image_id AND m.snapshot IS NOT NULL) AS has_snapshots,
       r.freed_bytes IS NOT NULL AS is_freed_known,
       t.can_commit, t.can_receive, t.can_grow, t.can_grow_with_snapshots, t.can_grow_over_backing, t.zeroes_are_known,
       od.virtual_size > d.virtual_size AS grows,
       (SELECT k.virtual_size FROM image_header AS k WHERE k.image_id = i.backing_id) > d.virtual_size AS has_larger_backing,
       coalesce(b.names_what_goes, 1) AS names_what_goes, r.is_change_known
FROM what_if_row AS r JOIN what_if_deed AS a JOIN image AS i ON i.image_id = r.image_id
JOIN image_header AS d ON d.image_id = i.image_id JOIN image_ability AS t ON t.image_id = i.image_id
LEFT JOIN what_if_image AS w ON w.image_id = i.image_id
LEFT JOIN what_if_cost AS c ON c.image_id = i.image_id AND c.is_gone = (r.effect IN ('deleted', 'unreferenced'))
    AND (r.effect <> 'deleted' OR NOT w.keeps_name)
LEFT JOIN what_if_broken AS b ON r.effect = 'breaks' AND b.image_id = i.image_id
LEFT JOIN what_if_usage AS u ON u.image_id = i.image_id
LEFT JOIN image AS o ON r.effect = 'receives' AND o.image_id = (SELECT s.image_id FROM what_if_image AS s WHERE s.in_set)
LEFT JOIN image_header AS od ON od.image_id = o.image_id;
