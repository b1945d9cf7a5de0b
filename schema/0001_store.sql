-- SPDX-License-Identifier: MIT
-- The store: what the latest scan saw, and a short history of the scans before it.
-- Tables are internal; the views of 0002 are the contract. Bytes are bytes, times are nanoseconds since 1970 UTC,
-- paths are the bytes of the file system (TEXT affinity, never re-encoded).

-- One row per published scan. A scan that was killed or failed has none.
CREATE TABLE scan (
    scan_id      INTEGER PRIMARY KEY,
    started_ns   INTEGER NOT NULL,
    finished_ns  INTEGER NOT NULL,
    complete     INTEGER NOT NULL,  -- 1: every directory was listed, every file understood, every reference followed
    walked       INTEGER NOT NULL,  -- directory entries looked at
    passed_over  INTEGER NOT NULL,  -- regular files that are no image, and entries of other kinds
    images       INTEGER NOT NULL,
    parsed       INTEGER NOT NULL,  -- images whose tables were read in this scan
    unchanged    INTEGER NOT NULL,  -- images taken over from the scan before
    added        INTEGER NOT NULL,  -- images that the scan before did not have
    changed      INTEGER NOT NULL,  -- images whose file changed since
    renamed      INTEGER NOT NULL,  -- images that have another path now
    vanished     INTEGER NOT NULL,  -- images of the scan before that are gone
    extents      INTEGER NOT NULL,  -- extents stored by this scan
    table_bytes  INTEGER NOT NULL,  -- bytes of mapping tables read by this scan
    errors       INTEGER NOT NULL   -- images and directories that could not be read or understood
) STRICT;

-- What the scan was told: roots, and options that change what a verdict means.
CREATE TABLE scan_option (
    scan_id INTEGER NOT NULL REFERENCES scan ON DELETE CASCADE,
    kind    TEXT NOT NULL,  -- 'root', 'allow', 'exclude', 'backing-glob', 'raw-suffix'
    value   TEXT NOT NULL,
    PRIMARY KEY (scan_id, kind, value)
) STRICT, WITHOUT ROWID;

-- Why files were passed over in a scan, and how many.
CREATE TABLE scan_passed (
    scan_id INTEGER NOT NULL REFERENCES scan ON DELETE CASCADE,
    reason  TEXT NOT NULL,
    files   INTEGER NOT NULL,
    PRIMARY KEY (scan_id, reason)
) STRICT, WITHOUT ROWID;

-- Directories in which images vanished because another device is mounted there now, or because they are no longer
-- scanned: what those images name is unknown until they are read again, or the administrator says to forget them.
CREATE TABLE absent_mount (
    path TEXT PRIMARY KEY,
    dev  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Small values that a scan hands to the next one.
CREATE TABLE setting (
    key   TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A host file of the latest scan by its identity, with the key that tells whether it changed.
CREATE TABLE file (
    file_id    INTEGER PRIMARY KEY,
    path       TEXT NOT NULL,     -- its first name in byte order
    dev        INTEGER NOT NULL,
    inode      INTEGER NOT NULL,
    size       INTEGER NOT NULL,  -- length in bytes
    disk_size  INTEGER NOT NULL,  -- bytes of blocks on the host
    mtime_ns   INTEGER NOT NULL,
    ctime_ns   INTEGER NOT NULL,
    checked_ns INTEGER NOT NULL,  -- when its content was read; 0: read it again next time
    verdict    TEXT NOT NULL,     -- 'image', 'part' (of an image), 'passed', 'unknown' (could not be understood)
    reason     TEXT NOT NULL,     -- why, one word
    UNIQUE (dev, inode)
) STRICT;

-- Every name by which the latest scan met an image or a part of one: hard links, bind mounts, symbolic links.
CREATE TABLE name (
    path    TEXT PRIMARY KEY,
    file_id INTEGER NOT NULL REFERENCES file ON DELETE CASCADE,
    kind    TEXT NOT NULL         -- 'file' or 'symlink'
) STRICT, WITHOUT ROWID;
CREATE INDEX name_file ON name (file_id);

-- An image of the latest scan.
CREATE TABLE image (
    image_id       INTEGER PRIMARY KEY,
    file_id        INTEGER NOT NULL UNIQUE REFERENCES file ON DELETE CASCADE,
    path           TEXT NOT NULL,
    format         TEXT NOT NULL,
    format_basis   TEXT NOT NULL,     -- 'content', 'stated' (by an overlay), 'suffix', 'guessed' (raw for want of a magic), 'named' (as a root)
    variant        TEXT NOT NULL,     -- "v3", "v3 zstd extended-l2"...
    state          TEXT NOT NULL,     -- 'ok', or why it could not be mapped: 'corrupt', 'unsupported', 'denied'...
    problem        TEXT,              -- the same in words; NULL: none
    virtual_size   INTEGER,
    cluster_size   INTEGER,
    encrypted      INTEGER NOT NULL DEFAULT 0,
    dirty          INTEGER NOT NULL DEFAULT 0,
    corrupt        INTEGER NOT NULL DEFAULT 0,
    truncated      INTEGER NOT NULL DEFAULT 0,  -- tables or clusters lie past the end of the file
    chain_ok       INTEGER NOT NULL DEFAULT 0,  -- 1: the image and all behind it could be read, so that its map is known
    data_file      TEXT,              -- name of the external data file as it stands in the image
    backing_name   TEXT,              -- as it stands in the image
    backing_format TEXT,
    backing_path   TEXT,              -- where it leads, as far as that could be found out
    backing_id     INTEGER REFERENCES image (image_id) DEFERRABLE INITIALLY DEFERRED,
    map_id         INTEGER NOT NULL,  -- its active mapping
    -- accounts: bytes of each state of the active mapping, guest bytes where nothing else is said
    data_bytes           INTEGER NOT NULL DEFAULT 0,
    compressed_bytes     INTEGER NOT NULL DEFAULT 0,
    compressed_host      INTEGER NOT NULL DEFAULT 0,  -- host bytes that hold compressed_bytes
    encrypted_bytes      INTEGER NOT NULL DEFAULT 0,
    zero_bytes           INTEGER NOT NULL DEFAULT 0,
    zero_allocated_bytes INTEGER NOT NULL DEFAULT 0,
    sparse_bytes         INTEGER NOT NULL DEFAULT 0,
    reserved_bytes       INTEGER NOT NULL DEFAULT 0,
    metadata_bytes       INTEGER,     -- host bytes; NULL where the format has none to tell
    leaked_bytes         INTEGER,     -- host bytes; NULL: not measured
    lock_state     TEXT NOT NULL DEFAULT 'unknown',   -- 'none', 'read', 'write', 'unknown'
    is_base_by     TEXT,              -- why it counts as a backing file although nothing names it now
    first_scan     INTEGER NOT NULL,  -- scan that first saw it
    referenced_scan INTEGER,          -- latest scan that saw it named as a backing file
    referenced_by  TEXT,              -- an image that named it then
    referenced_mtime_ns INTEGER       -- when the file had last been written by then
) STRICT;
CREATE INDEX image_path ON image (path);
CREATE INDEX image_backing ON image (backing_id);

-- The host files of an image, number 0 is the main one. file_id is NULL where the file could not be identified.
CREATE TABLE image_file (
    image_id INTEGER NOT NULL REFERENCES image ON DELETE CASCADE,
    number   INTEGER NOT NULL,
    role     TEXT NOT NULL,           -- 'main', 'data'
    path     TEXT NOT NULL,
    file_id  INTEGER REFERENCES file DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (image_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX image_file_file ON image_file (file_id);

-- A mapping of an image: the active one (snapshot NULL) and one for each internal snapshot.
CREATE TABLE mapping (
    map_id    INTEGER PRIMARY KEY,
    image_id  INTEGER NOT NULL REFERENCES image ON DELETE CASCADE,
    snapshot  INTEGER,                -- its number in the image's table, from 0
    id        TEXT,
    name      TEXT,
    size      INTEGER NOT NULL,       -- guest bytes
    vm_state  INTEGER NOT NULL,       -- bytes of saved machine state
    date_ns   INTEGER,
    extents   INTEGER NOT NULL,
    failed    INTEGER NOT NULL DEFAULT 0  -- 1: its tables could not be read; it has no extents then
) STRICT;
CREATE INDEX mapping_image ON mapping (image_id);

-- The extents of a mapping, once, however many chains pass through it. What no row covers is unallocated.
CREATE TABLE extent (
    map_id INTEGER NOT NULL,
    start  INTEGER NOT NULL,
    length INTEGER NOT NULL,
    state  INTEGER NOT NULL,          -- extent_state.state
    file   INTEGER NOT NULL,          -- image_file.number
    offset INTEGER,                   -- in that file; NULL where there is none
    PRIMARY KEY (map_id, start)
) STRICT, WITHOUT ROWID;

CREATE TABLE extent_state (
    state   INTEGER PRIMARY KEY,
    name    TEXT NOT NULL,
    present INTEGER NOT NULL,         -- the three flags of `map`
    zero    INTEGER NOT NULL,
    data    INTEGER NOT NULL,
    located INTEGER NOT NULL          -- `map` prints its offset
) STRICT;
INSERT INTO extent_state VALUES
    (0, 'data',           1, 0, 1, 1),
    (1, 'compressed',     1, 0, 1, 0),
    (2, 'encrypted',      1, 0, 1, 0),
    (3, 'zero',           1, 1, 0, 1),
    (4, 'zero-allocated', 1, 1, 0, 1),
    (5, 'sparse',         1, 1, 1, 1),
    (6, 'reserved',       0, 1, 0, 1);

-- Which image stands at which depth of whose chain. Images with a broken chain have rows down to the break.
CREATE TABLE chain (
    image_id      INTEGER NOT NULL REFERENCES image ON DELETE CASCADE,
    depth         INTEGER NOT NULL,
    layer_id      INTEGER NOT NULL REFERENCES image ON DELETE CASCADE,
    map_id        INTEGER NOT NULL,   -- the layer's active mapping
    reach         INTEGER NOT NULL,   -- guest bytes of the image that can come from here: the smallest size down to this depth
    visible_bytes INTEGER,            -- guest bytes that come from this layer, zeroes included
    data_bytes    INTEGER,            -- those of them that are data
    PRIMARY KEY (image_id, depth)
) STRICT, WITHOUT ROWID;
CREATE INDEX chain_layer ON chain (layer_id);

-- Every reference that an image makes, followed or not.
CREATE TABLE reference (
    image_id  INTEGER NOT NULL REFERENCES image ON DELETE CASCADE,
    kind      TEXT NOT NULL,          -- 'backing', 'data-file', 'alias' (backing, seen from another name of the image), 'content'
    name      TEXT NOT NULL,          -- as it stands in the image
    path      TEXT NOT NULL,          -- where it leads, '' when that is not a path
    state     TEXT NOT NULL,          -- 'followed', 'missing', 'outside', 'remote', 'unsupported', 'denied', 'not-a-file',
                                      -- 'ambiguous', 'loop'
    target_id INTEGER REFERENCES file (file_id) DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (image_id, kind, name, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX reference_target ON reference (target_id);

-- What the forest says of an image (src/analysis). Readers are heads, and internal snapshots of other images.
CREATE TABLE usage (
    image_id        INTEGER PRIMARY KEY REFERENCES image ON DELETE CASCADE,
    visible_bytes   INTEGER NOT NULL,  -- data that at least one reader sees
    visible_present INTEGER NOT NULL,  -- the same with zero extents: 0 means that nobody reads one byte of it
    masked_bytes    INTEGER NOT NULL,  -- data that no reader sees
    exclusive_bytes INTEGER NOT NULL,  -- data that exactly one reader sees
    shared_bytes    INTEGER NOT NULL,  -- data that two or more see
    dependents      INTEGER NOT NULL,  -- images that name it as their backing file
    descendants     INTEGER NOT NULL,  -- images that reach it, directly or through others
    heads           INTEGER NOT NULL   -- heads among them
) STRICT;

-- Guest ranges of a backing image that no head and no snapshot reads.
CREATE TABLE masked (
    image_id INTEGER NOT NULL REFERENCES image ON DELETE CASCADE,
    start    INTEGER NOT NULL,
    length   INTEGER NOT NULL,
    state    INTEGER NOT NULL,
    file     INTEGER NOT NULL,
    offset   INTEGER,
    PRIMARY KEY (image_id, start)
) STRICT, WITHOUT ROWID;

-- Something an administrator should know. Rows of earlier scans stay while their scan is kept.
CREATE TABLE finding (
    finding_id INTEGER PRIMARY KEY,
    code       TEXT NOT NULL,
    severity   TEXT NOT NULL,          -- 'info', 'warning', 'error'
    path       TEXT NOT NULL,
    detail     TEXT NOT NULL,
    hides      INTEGER NOT NULL,       -- 1: because of it something may be referenced that we do not know
    first_scan INTEGER NOT NULL,
    last_scan  INTEGER NOT NULL,
    UNIQUE (path, code, detail)
) STRICT;

-- One small row per image and scan, for growth.
CREATE TABLE history (
    scan_id      INTEGER NOT NULL REFERENCES scan ON DELETE CASCADE,
    path         TEXT NOT NULL,
    image_id     INTEGER NOT NULL,
    virtual_size INTEGER,
    file_size    INTEGER NOT NULL,
    disk_size    INTEGER NOT NULL,
    data_bytes   INTEGER NOT NULL,
    chain_depth  INTEGER NOT NULL,
    dependents   INTEGER NOT NULL,
    backing_path TEXT,
    state        TEXT NOT NULL,
    PRIMARY KEY (path, scan_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX history_scan ON history (scan_id);
