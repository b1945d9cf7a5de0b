-- SPDX-License-Identifier: MIT
-- What the report what-if reads besides the store: temporary tables of the reader's connection, made anew for each
-- question. Bytes are guest bytes unless said otherwise.

-- The names that were given, as the store has them.
CREATE TEMP TABLE what_if_name (path TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

-- The images of the set, and what becomes of images.
CREATE TEMP TABLE what_if_image (
    image_id INTEGER PRIMARY KEY,
    asked    INTEGER NOT NULL,  -- 1: of the set
    step     INTEGER            -- 0: deleted; 1: nothing names it any more then; 2: nor this when those of 1 are gone...
                                -- NULL: it stays
) STRICT;

-- Which image refers to which file of another, by what the scan followed and by every name that it could not follow.
CREATE TEMP TABLE what_if_link (
    image_id INTEGER NOT NULL,
    file_id  INTEGER NOT NULL,
    backing  INTEGER NOT NULL,  -- 1: as its backing file
    PRIMARY KEY (image_id, file_id, backing)
) STRICT, WITHOUT ROWID;
CREATE INDEX temp.what_if_link_file ON what_if_link (file_id);

-- Verdicts (src/judge): why what is said of images is not proven.
CREATE TEMP TABLE what_if_verdict (
    effect    TEXT NOT NULL,  -- 'unreferenced', 'masked-more': of such a row, all that the next scan would doubt;
                              -- 'all': of every image, before; 'own': of the image itself, whatever becomes of it
    image_id  INTEGER,        -- NULL: 'all'
    why       TEXT,           -- doubts in words; NULL: there are none
    why_codes TEXT            -- their codes
) STRICT;
CREATE INDEX temp.what_if_verdict_image ON what_if_verdict (image_id, effect);

-- The host files that go with images that are gone, or lose a name.
CREATE TEMP TABLE what_if_file (
    file_id     INTEGER PRIMARY KEY,
    image_id    INTEGER NOT NULL,  -- one of the images that take it along
    step        INTEGER NOT NULL,
    goes        INTEGER NOT NULL,  -- 0: a name of it stays, and so do its blocks
    freed_bytes INTEGER,           -- blocks that are freed for certain; NULL: the host does not tell
    most_bytes  INTEGER NOT NULL   -- blocks that no file uses that is known and stays; counted with the file that goes last
) STRICT;

-- What the action writes (src/analysis/what_if.h), for the images of the set and their backing images.
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
