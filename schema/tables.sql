-- SPDX-License-Identifier: MIT
-- The store's tables, version 16: what the latest scan saw, and a short history of the scans before it. They are internal;
-- the views of views.sql are the contract. Sizes, offsets and lengths are bytes: guest bytes are those of the disk as the
-- guest sees it, host bytes those of files or blocks on the host. Ranges are half-open: start and length. Columns ..._ns
-- are nanoseconds since 1970 UTC. Flags are 0 and 1. Paths are the bytes of the file system, as they are.
-- Where rows are many, an enumeration is checked by OR: for IN with more than two words, SQLite makes a table of them anew
-- for each row that is inserted, which takes ten times as long as the row.

-- Scans ---------------------------------------------------------------------------------------------------------------

-- A published scan. A scan that was killed or failed has no row.
CREATE TABLE scan (
    scan_id     INTEGER PRIMARY KEY,  -- ascending
    started_ns  INTEGER NOT NULL,
    finished_ns INTEGER NOT NULL,
    walked      INTEGER NOT NULL,  -- directory entries visited
    passed_over INTEGER NOT NULL,  -- regular files that are no image, and entries of other kinds
    images      INTEGER NOT NULL,  -- images in all
    parsed      INTEGER NOT NULL,  -- images whose tables this scan read
    unchanged   INTEGER NOT NULL,  -- images taken over from the scan before
    added       INTEGER NOT NULL,  -- images that the scan before did not have
    changed     INTEGER NOT NULL,  -- images whose file changed since
    renamed     INTEGER NOT NULL,  -- images that have another path now
    vanished    INTEGER NOT NULL,  -- images of the scan before that are gone
    extents     INTEGER NOT NULL,  -- extents that this scan stored
    table_bytes INTEGER NOT NULL,  -- bytes of images that this scan read
    errors      INTEGER NOT NULL,  -- findings about something that could not be read or followed, without accepted ones
    doubts      INTEGER NOT NULL   -- reasons why nothing could be proven by it (doubt.image_id NULL); 0: it was complete
) STRICT;

-- The options of a scan, as far as they change what a verdict means.
CREATE TABLE scan_option (
    scan_id INTEGER NOT NULL REFERENCES scan ON DELETE CASCADE,
    kind    TEXT NOT NULL CHECK (kind IN ('root', 'walked', 'allow', 'exclude', 'backing-glob', 'template', 'raw-suffix',
                                         'sole-host', 'inventory', 'trust-locks', 'min-age')),
    value   TEXT NOT NULL,  -- the path, glob or suffix; walked: a root that is a directory; inventory: as the option has it;
                            -- trust-locks: ''; min-age: seconds
    PRIMARY KEY (scan_id, kind, value)
) STRICT, WITHOUT ROWID;

-- Why a scan passed files over, and how many.
CREATE TABLE scan_passed (
    scan_id INTEGER NOT NULL REFERENCES scan ON DELETE CASCADE,
    reason  TEXT NOT NULL CHECK (reason IN ('', 'block-device', 'change-tracking', 'empty', 'excluded', 'file-system', 'no-image-magic', 'packed',
                                            'special-file', 'symlink', 'unreadable', 'unrecognised', 'vhd-alias', 'vhd-piece')),
    files   INTEGER NOT NULL,  -- directory entries
    PRIMARY KEY (scan_id, reason)
) STRICT, WITHOUT ROWID;

-- Directories in which images vanished because something else is mounted there now, or because they are no longer
-- scanned: what those images name is unknown until they are read again, or the administrator has them forgotten.
CREATE TABLE absent_mount (
    path     TEXT NOT NULL,  -- or an image that was a mount point by itself
    identity TEXT NOT NULL,  -- volume.identity of what was mounted there
    inside   TEXT NOT NULL,  -- which directory or file of that file system it was; '': unknown
    PRIMARY KEY (path, identity, inside)
) STRICT, WITHOUT ROWID;

-- The roots of the latest scan, and what was mounted below them: where in its file system each path was.
CREATE TABLE place (
    path     TEXT PRIMARY KEY,  -- a root, or a mount point below one
    identity TEXT NOT NULL,     -- as in absent_mount
    inside   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What earlier scans found out about images, and files that images were packed in, that the latest found no more: one that
-- comes back is what it was. Nothing else looks at these rows: what vanished names nothing. They are kept for as long as
-- the scan that missed the file, and no more of them than there are files, or 10,000.
CREATE TABLE vanished (
    file_id             INTEGER PRIMARY KEY,  -- as file.file_id, which it gets back
    image_id            INTEGER,           -- as image.image_id, the same; NULL: none, or another file has taken it over
    gone_scan           INTEGER NOT NULL,  -- scan_id of the first scan that missed it
    volume              TEXT NOT NULL,     -- volume.identity of what it lay on
    path                TEXT NOT NULL,     -- these seven as in file, when it was seen last
    inode               INTEGER NOT NULL,
    birth_ns            INTEGER,
    size                INTEGER NOT NULL,
    mtime_ns            INTEGER NOT NULL,
    ctime_ns            INTEGER NOT NULL,
    was_image           INTEGER NOT NULL CHECK (was_image IN (0, 1)),   -- 1: and it might have named others
    was_packed          INTEGER NOT NULL CHECK (was_packed IN (0, 1)),  -- 1: images were looked for in it
    backing_name        TEXT,     -- as image_header.backing_name
    first_scan          INTEGER,  -- these eight as in image_memory; NULL: it was no image
    referenced_scan     INTEGER,
    referenced_by       TEXT,
    referenced_mtime_ns INTEGER,
    referenced_path     TEXT,
    referenced_uncertain INTEGER NOT NULL CHECK (referenced_uncertain IN (0, 1)),
    base_id             INTEGER,
    past_base_id        INTEGER,
    link_is_newer       INTEGER NOT NULL CHECK (link_is_newer IN (0, 1))  -- as in image
) STRICT;
CREATE INDEX vanished_image ON vanished (image_id);

-- Small values that a scan hands to the next one, and the store to itself.
CREATE TABLE setting (
    key   TEXT PRIMARY KEY CHECK (key IN ('last-image', 'last-file', 'links', 'sharing', 'tables', 'views')),
    value INTEGER NOT NULL  -- last-image, last-file: the greatest image_id and file_id that anything may remember; links: all that file_name,
                            -- reference, image_file and those of packed images depend on, as one number; sharing: the same for file_sharing
                            -- and shared_run; tables, views: tables.sql and views.sql as one number each, comments aside
) STRICT, WITHOUT ROWID;

-- Images that every scan keeps whole although nothing reads them: they are cloned, for example.
CREATE TABLE template (
    glob TEXT PRIMARY KEY  -- of a path or its last component
) STRICT, WITHOUT ROWID;

-- Findings that an administrator accepted: they block no verdict, and no scan counts them as errors.
CREATE TABLE acceptance (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used again: verdicts mention it
    code       TEXT NOT NULL CHECK (code IN (  -- as finding.code
                   'unreadable', 'unreadable-directory', 'unsupported-format', 'corrupt', 'limit',
                   'changed-while-read', 'truncated', 'unrecognised', 'empty-image', 'not-a-regular-file',
                   'marked-corrupt', 'clusters-overlap', 'empty-l2-table', 'dirty', 'encrypted',
                   'snapshot-unreadable', 'backing-missing', 'backing-outside', 'backing-unreadable',
                   'backing-remote', 'served-locally', 'backing-unsupported', 'backing-depends-on-directory',
                   'backing-loop', 'backing-format-guessed', 'chain-too-deep', 'format-conflict',
                   'data-file-missing', 'data-file-unreadable', 'data-file-outside',
                   'data-file-depends-on-directory', 'extent-missing', 'extent-unreadable', 'extent-outside',
                   'parent-mismatch', 'parent-ambiguous', 'symlink-outside', 'symlink-dangling', 'excluded',
                   'mount-missing', 'no-longer-scanned', 'packed-unreadable', 'pseudo-file-system',
                   'backing-exchanged', 'backing-written', 'directory-changing', 'sole-host-unused', 'image-lost',
                   'inventory-unreadable', 'claim-missing', 'claim-outside', 'claim-unscanned', 'pool-not-scanned',
                   'disk-in-two-machines')),
    glob       TEXT NOT NULL,                      -- of a path or its last component
    reason     TEXT NOT NULL,                      -- in the administrator's words
    until_ns   INTEGER,                            -- it counts before that; NULL: for good
    created_ns INTEGER NOT NULL
) STRICT;

-- Files ---------------------------------------------------------------------------------------------------------------

-- A file system that files of the latest scan lie on. A btrfs subvolume counts as one.
CREATE TABLE volume (
    volume_id INTEGER PRIMARY KEY,  -- kept while scans find it again, mounted anew or elsewhere too
    identity  TEXT NOT NULL,        -- uuid:, fsid:, nfs: or source: outlives a remount; dev:, made of device, does not
    device    INTEGER NOT NULL,     -- st_dev: in one scan each volume has its own, after a remount another
    type      TEXT NOT NULL,        -- as mount(8) has it; '': unknown
    mount     TEXT NOT NULL,        -- the mount point of the file that the scan found first; '': unknown
    is_shared INTEGER NOT NULL CHECK (is_shared IN (0, 1)),  -- 1: by its type, other hosts may have it mounted too
    is_sole_host INTEGER NOT NULL DEFAULT 0 CHECK (is_sole_host IN (0, 1)),  -- 1: but none has, as --sole-host vouches
    is_twin   INTEGER NOT NULL DEFAULT 0 CHECK (is_twin IN (0, 1)),  -- 1: another volume of the scan has its identity
    size      INTEGER,              -- bytes; NULL: unknown
    free      INTEGER               -- bytes that are not root's alone; NULL: unknown
) STRICT;

-- A host file of the latest scan by its identity, with the key that shows whether it changed.
CREATE TABLE file (
    file_id    INTEGER PRIMARY KEY,
    path       TEXT NOT NULL,     -- its first name: files before symbolic links, then in the order of bytes
    volume_id  INTEGER NOT NULL REFERENCES volume DEFERRABLE INITIALLY DEFERRED,
    inode      INTEGER NOT NULL,
    birth_ns   INTEGER,           -- when the inode was made a file, part of the identity; NULL: the file system does not keep it
    size       INTEGER NOT NULL,  -- length
    disk_size  INTEGER NOT NULL,  -- bytes of blocks on the host; 0 of a block device
    is_device  INTEGER NOT NULL DEFAULT 0 CHECK (is_device IN (0, 1)),  -- 1: a block device; its blocks are elsewhere
    mtime_ns   INTEGER NOT NULL,
    ctime_ns   INTEGER NOT NULL,
    checked_ns INTEGER NOT NULL,  -- when its content was read; 0: the next scan reads it again; -1: it
                                  -- was not seen, and is not waited for any more
    class      TEXT NOT NULL CHECK (  -- part: of an image; passed: no image; packed: none, but images may be packed in it;
                   -- unknown: could not be understood; none: not looked at
                   class = 'image' OR class = 'part' OR class = 'passed' OR class = 'packed'
                   OR class = 'unknown' OR class = 'none'),
    reason     TEXT NOT NULL DEFAULT ''  -- why it was skipped or is unknown; '' of an image; of a part, by itself
               CHECK (
                   reason = '' OR reason = 'change-tracking' OR reason = 'empty' OR reason = 'file-system' OR reason = 'no-image-magic' OR reason = 'unreadable'
                   OR reason = 'unrecognised'),
    was_image  INTEGER NOT NULL DEFAULT 0 CHECK (was_image IN (0, 1)),  -- 1: an earlier scan read an image here, and it is
                   -- none now, or one of another format that was written over it
    links      INTEGER,           -- names that the file system counts; NULL: unknown
    links_found INTEGER,          -- of these, those that the scan found, each once for all mounts; NULL: unknown
    UNIQUE (volume_id, inode)
) STRICT;

-- A name that an image had in an earlier scan, and has no more. A copy with the time stamp of an original has its names, too.
CREATE TABLE former_name (
    image_id INTEGER NOT NULL,  -- of image, or of vanished
    path     TEXT NOT NULL,
    since_ns INTEGER,  -- scans found it by this path alone, the first at that time (UNIX ns),
    until_ns INTEGER,  -- the last at that; NULL: not known, or it had others besides
    PRIMARY KEY (image_id, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX former_name_path ON former_name (path);

-- A name of an image that named this one as its backing file in an earlier scan, and may do so no more. As long as something
-- is remembered of this one.
CREATE TABLE former_overlay (
    image_id INTEGER NOT NULL,  -- the backing image: of image, or of vanished
    path     TEXT NOT NULL,
    PRIMARY KEY (image_id, path)
) STRICT, WITHOUT ROWID;

-- Every name by which the latest scan found an image or a part of one: hard links, bind mounts, symbolic links.
CREATE TABLE file_name (
    path    TEXT PRIMARY KEY,
    file_id INTEGER NOT NULL REFERENCES file ON DELETE CASCADE,
    kind    TEXT NOT NULL CHECK (kind IN ('file', 'symlink'))
) STRICT, WITHOUT ROWID;
CREATE INDEX file_name_file ON file_name (file_id);

-- A file of an image that may have blocks in common with other files (reflinks). Without a row it has none, for sure.
-- Bytes are of the file, as disk_size counts them.
CREATE TABLE file_sharing (
    file_id         INTEGER PRIMARY KEY REFERENCES file ON DELETE CASCADE,
    shared_bytes    INTEGER,           -- in blocks that something else uses too; NULL: unknown (no FIEMAP)
    encoded_bytes   INTEGER NOT NULL,  -- in blocks of its own that the host compresses: how many they are is unknown
    unmatched_bytes INTEGER,           -- part of shared_bytes that no other known file of the store uses; NULL: unknown
    saved_bytes     INTEGER NOT NULL,  -- part of shared_bytes that counts with a file before it, by path, or earlier in it
    group_id        INTEGER            -- the same for files that have blocks in common, by way of others too; NULL: none
) STRICT;
CREATE INDEX file_sharing_group ON file_sharing (group_id);

-- The runs of bytes of a file whose blocks something else uses too, as far as the host reports where they are.
CREATE TABLE shared_run (
    file_id  INTEGER NOT NULL REFERENCES file ON DELETE CASCADE,
    start    INTEGER NOT NULL,  -- byte of the file
    length   INTEGER NOT NULL,
    volume   INTEGER NOT NULL,  -- the same number: one address space
    physical INTEGER NOT NULL,  -- byte address on the volume
    encoded  INTEGER NOT NULL CHECK (encoded IN (0, 1)),  -- 1: kept there in another form, of an unknown length
    PRIMARY KEY (file_id, start)
) STRICT, WITHOUT ROWID;

-- Images --------------------------------------------------------------------------------------------------------------

-- A format of images.
CREATE TABLE format (
    name     TEXT PRIMARY KEY,           -- QEMU's; or one that an overlay states and nothing here reads
    suffixes TEXT NOT NULL DEFAULT '',   -- endings of file names that claim it, each with its dot, separated by spaces
    is_plain INTEGER NOT NULL DEFAULT 0 CHECK (is_plain IN (0, 1))  -- 1: guest byte n is byte n of the file: its endings
                                         -- are no claims
) STRICT, WITHOUT ROWID;

-- An image of the latest scan: who and where it is, and where its chain goes on.
CREATE TABLE image (
    image_id     INTEGER PRIMARY KEY,  -- kept while the file keeps its identity or its path, never used again
    file_id      INTEGER NOT NULL UNIQUE REFERENCES file ON DELETE CASCADE,  -- its main file
    path         TEXT NOT NULL,  -- as file.path
    format       TEXT NOT NULL REFERENCES format (name) DEFERRABLE INITIALLY DEFERRED,
    format_basis TEXT NOT NULL CHECK (  -- how the format was found; footer: by the last 512 bytes alone; stated: by an
                   -- overlay; guessed: raw, as it has no magic; named: as a root; beside: by a file beside it
                   format_basis = 'content' OR format_basis = 'stated' OR format_basis = 'footer'
                   OR format_basis = 'suffix' OR format_basis = 'guessed' OR format_basis = 'named'
                   OR format_basis = 'beside'),
    state        TEXT NOT NULL CHECK (  -- those of the first line have a map, the others are why it has none
                   state = 'ok' OR state = 'changed' OR state = 'snapshot-unreadable' OR state = 'truncated'
                   -- not-seen: it could not be looked at, and its row is as the last scan left it that could
                   OR state = 'not-seen'
                   OR state = 'not-mine' OR state = 'unsupported' OR state = 'corrupt' OR state = 'limit'
                   OR state = 'missing' OR state = 'denied' OR state = 'refused' OR state = 'loop'
                   OR state = 'busy' OR state = 'full' OR state = 'foreign' OR state = 'io'
                   OR state = 'no-memory' OR state = 'usage' OR state = 'bug'),
    problem      TEXT,           -- what the state means here, in words; NULL: nothing
    chain_ok     INTEGER NOT NULL DEFAULT 0 CHECK (chain_ok IN (0, 1)),  -- 1: it and all of its chain could be read
    backing_path TEXT,           -- where its backing name leads; NULL: it has none, or that is not a path
    backing_id   INTEGER REFERENCES image (image_id) DEFERRABLE INITIALLY DEFERRED,  -- the image there; NULL: none, or cut
    map_id       INTEGER NOT NULL,  -- its active mapping
    is_template  INTEGER NOT NULL DEFAULT 0 CHECK (is_template IN (0, 1)),  -- 1: to be kept whole
    is_claimed   INTEGER NOT NULL DEFAULT 0 CHECK (is_claimed IN (0, 1)),   -- 1: a machine uses it (table claim): it is read whole
    parent_differs INTEGER NOT NULL DEFAULT 0 CHECK (parent_differs IN (0, 1)),  -- 1: its backing file is not the one
                   -- that it was made on, by their identities
    link_is_newer INTEGER NOT NULL DEFAULT 0 CHECK (link_is_newer IN (0, 1)),  -- 1: a symbolic link in the way of
                   -- its backing name was made, turned or removed after the image was made
    unsettled    INTEGER NOT NULL DEFAULT 0 CHECK (unsettled IN (0, 1)),    -- 1: it changed while the scan ran; looked
                   -- at where it may be called unused
    lock_state   TEXT NOT NULL DEFAULT 'unknown' CHECK (
                   -- how others have it open, by QEMU's locks, at the time of the scan
                   lock_state = 'none' OR lock_state = 'read' OR lock_state = 'write' OR lock_state = 'unknown')
) STRICT;
CREATE INDEX image_path ON image (path);
CREATE INDEX image_backing ON image (backing_id);

-- What is in the image's header. Kept while its file does not change.
CREATE TABLE image_header (
    image_id            INTEGER PRIMARY KEY REFERENCES image ON DELETE CASCADE,
    variant             TEXT NOT NULL DEFAULT '',  -- words on the format's flavour: "v3 zstd extended-l2"
    version             INTEGER,  -- of the format; NULL: the format has none, or it is unknown
    virtual_size        INTEGER,  -- guest bytes; NULL: the header was not understood
    cluster_size        INTEGER,  -- bytes; NULL: the format has none, or the header was not understood
    hidden              INTEGER NOT NULL DEFAULT 0 CHECK (hidden IN (0, 1)),         -- 1: it is marked as a base of others
    kept                INTEGER NOT NULL DEFAULT 0 CHECK (kept IN (0, 1)),             -- 1: its platform keeps it, read or not
    encrypted           INTEGER NOT NULL DEFAULT 0 CHECK (encrypted IN (0, 1)),
    dirty               INTEGER NOT NULL DEFAULT 0 CHECK (dirty IN (0, 1)),          -- 1: not closed cleanly
    corrupt             INTEGER NOT NULL DEFAULT 0 CHECK (corrupt IN (0, 1)),        -- 1: it is marked so
    truncated           INTEGER NOT NULL DEFAULT 0 CHECK (truncated IN (0, 1)),      -- 1: tables or clusters are past its end
    has_data_file       INTEGER NOT NULL DEFAULT 0 CHECK (has_data_file IN (0, 1)),  -- 1: its guest bytes are in another file
    extended_l2         INTEGER NOT NULL DEFAULT 0 CHECK (extended_l2 IN (0, 1)),    -- 1: its clusters have subclusters
    compression         TEXT,     -- what QEMU compresses its clusters with, in words of `qemu-img create -o compression_type`;
                                  -- NULL: there is no choice
    backing_name        TEXT,     -- as written in the image; NULL: no backing file
    backing_format      TEXT,     -- what the image states of it; NULL: nothing
    backing_by_identity INTEGER NOT NULL DEFAULT 0 CHECK (backing_by_identity IN (0, 1)),  -- 1: its parent has no name
    identity            TEXT,     -- who it is, in its format's terms: "cid 1234abcd", "uuid ..."; NULL: not stated
    identity_stamp      TEXT,     -- changes with every modification; NULL: the format has no such thing
    parent_identity     TEXT,     -- what its parent's identity should be; NULL: not stated
    parent_stamp        TEXT      -- what its parent's identity_stamp should be; NULL: not stated
) STRICT;

-- What QEMU's tools can do with the image, by its header (src/model/abilities.h). An encrypted one can do the
-- same, with its key. Kept while its file does not change. Where that is unknown: nothing.
CREATE TABLE image_ability (
    image_id         INTEGER PRIMARY KEY REFERENCES image ON DELETE CASCADE,
    unit             INTEGER NOT NULL DEFAULT 1 CHECK (unit > 0),         -- guest bytes: what is written takes multiples of it
    cluster          INTEGER NOT NULL DEFAULT 1 CHECK (cluster >= unit),  -- guest bytes; 1: the format has none
    zeroes           INTEGER NOT NULL DEFAULT 0 CHECK (zeroes IN (0, 1, 2)),  -- that are written become 0: data; 1: zeroes
                     -- that take no space; 2: nothing, where no backing image shows through
    zeroes_are_known INTEGER NOT NULL DEFAULT 1 CHECK (zeroes_are_known IN (0, 1)),  -- 0: that is not followed
    is_plain         INTEGER NOT NULL DEFAULT 0 CHECK (is_plain IN (0, 1)),  -- 1: every byte is present, also those that it grows by
    is_foreign       INTEGER NOT NULL DEFAULT 0 CHECK (is_foreign IN (0, 1)),  -- 1: QEMU does not know its format
    can_be_written   INTEGER NOT NULL DEFAULT 0 CHECK (can_be_written IN (0, 1)),  -- 1: a guest can write anywhere
    can_rebase       INTEGER NOT NULL DEFAULT 0 CHECK (can_rebase IN (0, 1)),      -- 1: it can get another backing file
    can_commit       INTEGER NOT NULL DEFAULT 0 CHECK (can_commit IN (0, 1)),      -- 1: into its backing file
    can_be_empty     INTEGER NOT NULL DEFAULT 0 CHECK (can_be_empty IN (0, 1)),    -- 1: a commit empties it
    can_receive      INTEGER NOT NULL DEFAULT 0 CHECK (can_receive IN (0, 1)),     -- 1: a commit of an overlay writes into it
    is_good_base     INTEGER NOT NULL DEFAULT 0 CHECK (is_good_base IN (0, 1)),    -- 1: a commit into it may be advised
    can_grow         INTEGER NOT NULL DEFAULT 0 CHECK (can_grow IN (0, 1)),        -- 1: to a larger disk of the guest
    can_grow_with_snapshots INTEGER NOT NULL DEFAULT 0 CHECK (can_grow_with_snapshots IN (0, 1)),  -- 1: internal ones, too
    can_grow_over_backing   INTEGER NOT NULL DEFAULT 0 CHECK (can_grow_over_backing IN (0, 1)),    -- 1: a larger one, too
    can_be_trimmed   INTEGER NOT NULL DEFAULT 0 CHECK (can_be_trimmed IN (0, 1))   -- 1: qemu-img can give back what it holds
                     -- for nothing: by a check, by cutting its end off, by a conversion to the same kind
) STRICT;

-- What the image's host space and guest bytes are. Kept while its file does not change.
CREATE TABLE image_account (
    image_id             INTEGER PRIMARY KEY REFERENCES image ON DELETE CASCADE,
    data_bytes           INTEGER NOT NULL DEFAULT 0,  -- guest bytes of each state in the active mapping; 0: not mapped
    compressed_bytes     INTEGER NOT NULL DEFAULT 0,
    encrypted_bytes      INTEGER NOT NULL DEFAULT 0,
    zero_bytes           INTEGER NOT NULL DEFAULT 0,
    zero_allocated_bytes INTEGER NOT NULL DEFAULT 0,
    sparse_bytes         INTEGER NOT NULL DEFAULT 0,
    reserved_bytes       INTEGER NOT NULL DEFAULT 0,
    compressed_host      INTEGER NOT NULL DEFAULT 0,  -- host bytes that hold compressed_bytes
    metadata_bytes       INTEGER,  -- host bytes of headers and tables; NULL: unknown
    overlapping          INTEGER CHECK (overlapping IN (0, 1)),  -- 1: bytes of its files are used for two things that cannot
                                   -- share them; 0: none are, by the account of host space; NULL: unknown
    may_be_lost          INTEGER NOT NULL DEFAULT 0 CHECK (may_be_lost IN (0, 1))  -- 1: a mapping table is empty, and what
                                   -- leaked may be what it named
) STRICT;

-- What the next scan needs of the image.
CREATE TABLE image_memory (
    image_id            INTEGER PRIMARY KEY REFERENCES image ON DELETE CASCADE,
    first_scan          INTEGER NOT NULL,  -- scan_id of the scan that first saw it
    referenced_scan     INTEGER,  -- scan_id of the latest scan that saw it named as a backing file; NULL: never
    referenced_by       TEXT,     -- path of an image that named it then; NULL: never
    referenced_mtime_ns INTEGER,  -- when its files had last been written by then, or before a copy over it set that back;
                                  -- NULL: never, or after all that named it
    referenced_path     TEXT,     -- its own path then; NULL: never
    referenced_uncertain INTEGER NOT NULL DEFAULT 0 CHECK (referenced_uncertain IN (0, 1)),  -- 1: that may have been another
                                  -- file, which had the inode before
    base_id             INTEGER,  -- file_id of the file that its backing name led to when a scan first saw it there; that
                                  -- file may be no more; -1: it was made on another one that no scan saw there; NULL: none yet
    base_lost_ns        INTEGER,  -- its backing name leads nowhere, and that file is no more: when the last scan ended that
                                  -- had it; NULL: it is there, or unknown
    seen_scan           INTEGER,  -- scan_id of the last scan that saw it, or the one before; NULL: the latest did
    past_base_id        INTEGER,  -- file_id of the file that the scan before had at its backing name when the image was made,
                                  -- of an image that a scan first saw misled; that file may be no more; NULL: not known;
                                  -- negative: it may have had another then, or it is what a symbolic link of the same
                                  -- last component led to, elsewhere
    seen_since_ns       INTEGER,  -- when the first of the scans looked at it that all saw this very file
    path_since_ns       INTEGER,  -- when the first of the scans looked at it that all saw it by this path and by no other
                                  -- hard link; NULL: it has others
    fingerprint         INTEGER NOT NULL DEFAULT 0  -- of what may change though the file does not: the same, the rows of
                                  -- image and image_memory are not written again
) STRICT;

-- More files that an image's backing name led to in earlier scans, after image_memory.base_id: it was used on them. As long
-- as it has that name, and does not lead to the first one again.
CREATE TABLE former_base (
    file_id INTEGER NOT NULL,  -- main file of the image; it may be in the table vanished
    base_id INTEGER NOT NULL,  -- file_id; that file may be no more
    PRIMARY KEY (file_id, base_id)
) STRICT, WITHOUT ROWID;

-- The host files of an image.
CREATE TABLE image_file (
    image_id INTEGER NOT NULL REFERENCES image ON DELETE CASCADE,
    number   INTEGER NOT NULL,  -- 0: the main one, the others as the image lists them
    role     TEXT NOT NULL CHECK (  -- data: of qcow2; part: of another kind
                   -- description: beside the image, without guest bytes
                   role = 'main' OR role = 'data' OR role = 'extent' OR role = 'description' OR role = 'part'),
    path     TEXT NOT NULL,
    file_id  INTEGER REFERENCES file DEFERRABLE INITIALLY DEFERRED,  -- NULL: the file could not be identified
    PRIMARY KEY (image_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX image_file_file ON image_file (file_id);

-- What the bytes of an image's file are used for; they add up to its length. An image whose account is unknown has no
-- rows at all; a file that is accounted for has a row 'unused' at least.
CREATE TABLE file_space (
    image_id        INTEGER NOT NULL REFERENCES image ON DELETE CASCADE,
    file            INTEGER NOT NULL,  -- image_file.number
    use             TEXT NOT NULL CHECK (
                   use = 'data' OR use = 'metadata' OR use = 'unused' OR use = 'zero' OR use = 'unallocated'
                   OR use = 'snapshot' OR use = 'bitmap' OR use = 'leaked' OR use = 'tail'),
    bytes           INTEGER NOT NULL,  -- of the file, whether the host keeps blocks for them or not
    disk_bytes      INTEGER,           -- of blocks that the host keeps for them; NULL: unknown (a block device, but of tail)
    unwritten_bytes INTEGER,           -- of disk_bytes: preallocated, never written; NULL: unknown (no FIEMAP)
    PRIMARY KEY (image_id, file, use)
) STRICT, WITHOUT ROWID;

-- Every name of another file in an image, followed or not: to look it up again without reading the image, too.
CREATE TABLE reference (
    image_id  INTEGER NOT NULL REFERENCES image ON DELETE CASCADE,
    kind      TEXT NOT NULL CHECK (
                   kind = 'backing'         -- its backing file
                   OR kind = 'data-file'    -- a file that it is made of, searched for as QEMU does
                   OR kind = 'extent'       -- a file that it is made of, in its own directory
                   OR kind = 'parent-path'  -- a host path to try for its parent; the first that exists counts
                   OR kind = 'companion'    -- a file that belongs to it and holds none of its data, such as changeTrackPath of a VMDK
                   OR kind = 'alias'        -- its backing file, seen from another name of the image
                   OR kind = 'nested'       -- in the description (json: and the like) of its backing or data file, besides that;
                                            -- of state remote: the last component of what is asked for
                   OR kind = 'content'),    -- named by a content that is used as another format
    number    INTEGER NOT NULL DEFAULT 0,  -- of a part (data-file, extent): image_file.number less one; else among its kind
    role      TEXT CHECK (role = 'data' OR role = 'extent' OR role = 'description' OR role = 'part'),  -- of a part: image_file.role; NULL: no part
    place     INTEGER CHECK (place IN (0, 1, 2, 3)),  -- of a part: 0 searched for as QEMU does, 1 in the image's directory,
                   -- 2 what describes it, called as the image is with `name` behind, 3 the same, called `name`; NULL: no part
    name      TEXT,              -- as written in the image; of alias, the image's other name; NULL: not stated
    path      TEXT NOT NULL DEFAULT '',  -- where it leads; '': not a path, or not searched for by itself
    state     TEXT CHECK (  -- outside: of the roots; ambiguous: depends on a working directory; several: of that identity;
                   -- NULL: not searched for by itself
                   state = 'followed' OR state = 'missing' OR state = 'outside' OR state = 'remote'
                   OR state = 'unsupported' OR state = 'denied' OR state = 'not-a-file' OR state = 'ambiguous'
                   OR state = 'loop' OR state = 'several'),
    target_id INTEGER REFERENCES file (file_id) DEFERRABLE INITIALLY DEFERRED,  -- the file there; NULL: none
    PRIMARY KEY (image_id, number, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX reference_target ON reference (target_id);
-- What the next scan takes over with an image that did not change; few images have any.
CREATE INDEX reference_kept ON reference (image_id, number, kind) WHERE kind IN ('data-file', 'extent', 'parent-path', 'companion');

-- Packed images -------------------------------------------------------------------------------------------------------

-- A file of the latest scan that is compressed or an archive, and in which images were looked for.
CREATE TABLE packed_file (
    file_id INTEGER PRIMARY KEY REFERENCES file ON DELETE CASCADE,
    problem TEXT  -- why not all that is packed in it could be looked at, in words; NULL: it was
) STRICT;

-- Every name of another file in an image that is packed. Where it leads is as if the image lay unpacked beside the file.
CREATE TABLE packed_reference (
    file_id   INTEGER NOT NULL REFERENCES file ON DELETE CASCADE,
    number    INTEGER NOT NULL,  -- in the order in which they were found; one for each file that a name leads to
    member    TEXT NOT NULL,     -- name of the image in the archive; '': the file is compressed, and no archive
    format    TEXT NOT NULL,     -- of the image, by its content
    kind      TEXT NOT NULL CHECK (
                   kind = 'backing'         -- its backing file
                   OR kind = 'parent-path'  -- a host path to try for its parent
                   OR kind = 'identity'     -- who its parent is
                   OR kind = 'data-file'    -- a file that it is made of, searched for as QEMU does
                   OR kind = 'extent'),     -- a file that it is made of, in its own directory
    name      TEXT NOT NULL,     -- as written in the image
    stated    TEXT,              -- format that the image states of that file; NULL: none
    path      TEXT NOT NULL,     -- where it leads; '': not a path, or not found
    state     TEXT NOT NULL CHECK (  -- as reference.state
                   state = 'followed' OR state = 'missing' OR state = 'outside' OR state = 'remote'
                   OR state = 'unsupported' OR state = 'denied' OR state = 'not-a-file' OR state = 'ambiguous'
                   OR state = 'loop' OR state = 'several'
                   OR state = 'earlier'),  -- the name led there in an earlier scan: path is what the file is called now
    target_id INTEGER REFERENCES file (file_id) DEFERRABLE INITIALLY DEFERRED,  -- the file there; NULL: none
    base_id   INTEGER,           -- file_id of a file that the image may have been made on: its name led there when a scan
                                 -- first saw it, or had led there before; that is target_id, or no more; -1: it was made on
                                 -- another one that no scan saw there, and path is a newer one; -2: the same, and a newer
                                 -- symbolic link led to path; -3: it led nowhere; NULL: this
                                 -- is none
    PRIMARY KEY (file_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX packed_reference_target ON packed_reference (target_id);

-- Mappings ------------------------------------------------------------------------------------------------------------

-- A mapping of an image: the active one, and one for each internal snapshot.
CREATE TABLE mapping (
    map_id   INTEGER PRIMARY KEY,
    image_id INTEGER NOT NULL REFERENCES image ON DELETE CASCADE,
    snapshot INTEGER,                     -- its place in the image's table, from 0; NULL: the active one
    id       TEXT,                        -- of the snapshot; NULL: the active one
    name     TEXT,                        -- of the snapshot; NULL: the active one, or it has none
    size     INTEGER NOT NULL,            -- guest bytes
    vm_state INTEGER NOT NULL DEFAULT 0,  -- bytes of saved machine state
    date_ns  INTEGER,                     -- when the snapshot was made; 0 or NULL: the active one
    extents  INTEGER NOT NULL DEFAULT 0,  -- rows that it has in the table extent
    failed   INTEGER NOT NULL DEFAULT 0 CHECK (failed IN (0, 1))  -- 1: its tables could not be read; it has no extents
) STRICT;
CREATE INDEX mapping_image ON mapping (image_id);

-- The extents of a mapping, once, however many chains pass through it. What no row covers is unallocated.
CREATE TABLE extent (
    map_id INTEGER NOT NULL,
    start  INTEGER NOT NULL,  -- guest byte
    length INTEGER NOT NULL,
    state  INTEGER NOT NULL CHECK (state BETWEEN 0 AND 6),  -- extent_state.state
    file   INTEGER NOT NULL,  -- image_file.number
    offset INTEGER,           -- host byte of that file; NULL: there is none
    PRIMARY KEY (map_id, start)
) STRICT, WITHOUT ROWID;

-- The states of extents, and how `imgaudit map` and qemu-img show them.
CREATE TABLE extent_state (
    state   INTEGER PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,
    present INTEGER NOT NULL CHECK (present IN (0, 1)),
    zero    INTEGER NOT NULL CHECK (zero IN (0, 1)),
    data    INTEGER NOT NULL CHECK (data IN (0, 1)),
    located INTEGER NOT NULL CHECK (located IN (0, 1))  -- 1: with an offset
) STRICT;
INSERT INTO extent_state (state, name, present, zero, data, located) VALUES
    (0, 'data',           1, 0, 1, 1),
    (1, 'compressed',     1, 0, 1, 0),
    (2, 'encrypted',      1, 0, 1, 0),
    (3, 'zero',           1, 1, 0, 1),
    (4, 'zero-allocated', 1, 1, 0, 1),
    (5, 'sparse',         1, 1, 1, 1),
    (6, 'reserved',       0, 1, 0, 1);

-- The forest of backing links -----------------------------------------------------------------------------------------

-- Which image is at which depth of the chain of an image at the top: one that no other image names as its backing file, or
-- whose overlays all lie beyond the limit of a chain's length. All other images are in the chain of one of these; the view
-- v_layer has the chain of each. One whose chain is broken has rows down to the break.
CREATE TABLE chain (
    image_id      INTEGER NOT NULL REFERENCES image ON DELETE CASCADE,  -- at the top
    depth         INTEGER NOT NULL,   -- 0: the image itself
    layer_id      INTEGER NOT NULL REFERENCES image ON DELETE CASCADE,  -- the image at that depth
    map_id        INTEGER NOT NULL,   -- the layer's active mapping
    size          INTEGER NOT NULL,   -- guest bytes of the layer
    visible_bytes INTEGER,            -- guest bytes that come from this layer, zeroes included; NULL: unknown
    data_bytes    INTEGER,            -- those of them that are data; NULL: unknown
    PRIMARY KEY (image_id, depth)
) STRICT, WITHOUT ROWID;
CREATE INDEX chain_layer ON chain (layer_id);

-- Where an image is in the rows of chain: its chain is that of the image at the top, from this depth on. Images beyond the
-- limit of a chain's length have no row.
CREATE TABLE chain_place (
    image_id INTEGER PRIMARY KEY REFERENCES image ON DELETE CASCADE,
    top_id   INTEGER NOT NULL REFERENCES image (image_id) ON DELETE CASCADE,  -- itself, at the top
    depth    INTEGER NOT NULL
) STRICT;
CREATE INDEX chain_place_top ON chain_place (top_id, depth);

-- What an image below the top reads from a layer of its chain, if that is not what its backing image reads from it. It
-- always has a row about itself, unless its chain is broken.
CREATE TABLE chain_change (
    image_id      INTEGER NOT NULL REFERENCES image ON DELETE CASCADE,
    layer_id      INTEGER NOT NULL,   -- the image that it reads from
    visible_bytes INTEGER NOT NULL,   -- as in chain
    data_bytes    INTEGER NOT NULL,
    PRIMARY KEY (image_id, layer_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX chain_change_layer ON chain_change (layer_id);

-- What its readers read of an image that was understood. Readers are heads, internal snapshots of other images (those of
-- one image are one reader), and images that are kept whole. Guest bytes of data.
CREATE TABLE usage (
    image_id        INTEGER PRIMARY KEY REFERENCES image ON DELETE CASCADE,
    visible_bytes   INTEGER NOT NULL,  -- that at least one reader reads
    visible_present INTEGER NOT NULL,  -- the same with zero extents; 0: nothing reads one byte of it
    masked_bytes    INTEGER NOT NULL,  -- that no reader reads
    exclusive_bytes INTEGER NOT NULL,  -- that exactly one reader reads
    shared_bytes    INTEGER NOT NULL,  -- that two or more read
    dependents      INTEGER NOT NULL,  -- images that name it as their backing file
    descendants     INTEGER NOT NULL,  -- images that reach it, directly or through others
    heads           INTEGER NOT NULL   -- heads among them
) STRICT;

-- How much data of an image is read by exactly that many readers. The sum over an image is usage.visible_bytes.
CREATE TABLE reader_bytes (
    image_id INTEGER NOT NULL REFERENCES image ON DELETE CASCADE,
    readers  INTEGER NOT NULL,  -- > 0
    bytes    INTEGER NOT NULL,  -- guest bytes, > 0
    PRIMARY KEY (image_id, readers)
) STRICT, WITHOUT ROWID;

-- Ranges of a backing image that no reader reads.
CREATE TABLE masked (
    image_id INTEGER NOT NULL REFERENCES image ON DELETE CASCADE,
    start    INTEGER NOT NULL,  -- guest byte
    length   INTEGER NOT NULL,
    state    INTEGER NOT NULL CHECK (state BETWEEN 0 AND 6),  -- extent_state.state
    file     INTEGER NOT NULL,  -- image_file.number
    offset   INTEGER,           -- host byte of that file; NULL: there is none
    PRIMARY KEY (image_id, start)
) STRICT, WITHOUT ROWID;

-- The pairs of heads of each tree that share most. The rows of a tree are written together.
CREATE TABLE pair (
    image_id INTEGER NOT NULL REFERENCES image ON DELETE CASCADE,
    other_id INTEGER NOT NULL REFERENCES image ON DELETE CASCADE,
    bytes    INTEGER NOT NULL,  -- guest bytes of data that both read from the same image, > 0
    others   INTEGER NOT NULL,  -- no pair of the tree that has no row shares more
    PRIMARY KEY (image_id, other_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX pair_other ON pair (other_id);

-- One row for each image that has no backing image. The rows of chain, chain_place, chain_change, usage, reader_bytes,
-- masked and pair of its tree hold while the number is the same.
CREATE TABLE tree (
    root_id     INTEGER PRIMARY KEY REFERENCES image ON DELETE CASCADE,
    fingerprint INTEGER NOT NULL  -- of members, their links, mappings and marks
) STRICT;

-- Who uses images ------------------------------------------------------------------------------------------------------

-- An inventory of machines that the latest scan read, whole or in part.
CREATE TABLE inventory (
    number     INTEGER PRIMARY KEY,  -- of the latest scan's
    source     TEXT NOT NULL CHECK (source IN (  -- its kind
                   'libvirt', 'list', 'proxmox', 'vmware', 'virtualbox', 'opennebula', 'nova', 'glance', 'cinder',
                   'cloudstack', 'longhorn', 'ovirt', 'ganeti', 'vagrant', 'lima', 'multipass', 'incus', 'minikube',
                   'android')),
    place      TEXT NOT NULL,        -- the directory or file; '-': standard input
    is_of_host INTEGER NOT NULL CHECK (is_of_host IN (0, 1)),  -- 1: it has all machines of its kind on this host; 0: those of
               -- the directory that its file is in
    formats    TEXT,                 -- of those, the machines that use images of these formats, in that very directory; NULL: all
    newest_ns  INTEGER               -- when the newest of its files was written to; NULL: unknown
) STRICT;

-- A machine of an inventory, or what takes the place of one: a storage, a list.
CREATE TABLE machine (
    machine_id INTEGER PRIMARY KEY,  -- of the latest scan's; another one after the next scan
    inventory  INTEGER NOT NULL REFERENCES inventory (number) ON DELETE CASCADE,
    kind       TEXT NOT NULL CHECK (
                   kind = 'vm' OR kind = 'container' OR kind = 'template' OR kind = 'storage' OR kind = 'list'),
    name       TEXT NOT NULL,
    uuid       TEXT,                 -- NULL: it has none
    state      TEXT NOT NULL CHECK (state = 'unknown' OR state = 'running' OR state = 'paused' OR state = 'off'),
    defined_in TEXT NOT NULL,        -- path of the file that has it; '-': standard input
    defined_ns INTEGER               -- when that was last written to; NULL: unknown
) STRICT;

-- One statement: this machine uses this file.
CREATE TABLE claim (
    machine_id INTEGER NOT NULL REFERENCES machine ON DELETE CASCADE,
    number     INTEGER NOT NULL,     -- among the machine's
    path       TEXT NOT NULL,        -- as the inventory has it
    format     TEXT,                 -- that the inventory states; NULL: it does not
    role       TEXT NOT NULL CHECK (
                   role = 'disk' OR role = 'restore-point' OR role = 'template' OR role = 'cdrom' OR role = 'floppy'
                   OR role = 'firmware' OR role = 'backing' OR role = 'unused' OR role = 'other'),
    read_only  INTEGER NOT NULL CHECK (read_only IN (0, 1)),
    shareable  INTEGER NOT NULL CHECK (shareable IN (0, 1)),  -- 1: several machines may write to it at a time
    transient  INTEGER NOT NULL CHECK (transient IN (0, 1)),  -- 1: what is written is thrown away
    state      TEXT NOT NULL CHECK (
                   state = 'found' OR state = 'missing' OR state = 'outside' OR state = 'unscanned'
                   OR state = 'unreadable'),  -- outside: of the roots;
               -- unscanned: below a root, and the scan has no such file
    target     TEXT,                 -- canonical path of the file; NULL: it was not found
    file_id    INTEGER REFERENCES file ON DELETE SET NULL,  -- NULL: no file of the scan
    before_id  INTEGER,              -- file_id of what the path led to when a scan last found it; NULL: never
    base_id    INTEGER,              -- file_id of what that was based on; NULL: on nothing, or unknown
    was_outside INTEGER NOT NULL CHECK (was_outside IN (0, 1)),  -- 1: it lies outside of the roots, or did when a scan last found it
    is_directory INTEGER NOT NULL CHECK (is_directory IN (0, 1)),  -- 1: the machine sees the directory, with all that is in it
    PRIMARY KEY (machine_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX claim_file ON claim (file_id);

-- Verdicts ------------------------------------------------------------------------------------------------------------

-- An image of the latest scan that nothing uses, wholly or in part (src/judge). It is proven where no doubt concerns it.
CREATE TABLE candidate (
    image_id   INTEGER PRIMARY KEY REFERENCES image ON DELETE CASCADE,
    status     TEXT NOT NULL CHECK (status = 'unreferenced' OR status = 'fully-masked' OR status = 'partly-masked' OR status = 'unclaimed'),
    since_scan INTEGER NOT NULL,  -- scan_id of the first scan since which it has had this status
    since_ns   INTEGER NOT NULL,  -- when that scan began
    is_meant   INTEGER NOT NULL DEFAULT 0 CHECK (is_meant IN (0, 1)),  -- 1: some name may mean it, be it accepted
    clear_ns   INTEGER,           -- when the first scan began in which none did any more; NULL: none did since since_ns, or
                                  -- one does
    evidence   TEXT NOT NULL,     -- the strongest, in words; unclaimed: ''
    why        TEXT,              -- the doubts about it and about every candidate, in words; NULL: there are none
    why_codes  TEXT,              -- their codes, separated by commas; NULL: there are none
    assumes    TEXT               -- accepted findings that would have been doubts, in words; NULL: none
) STRICT;

-- Why a candidate counts as a backing file.
CREATE TABLE evidence (
    image_id INTEGER NOT NULL REFERENCES image ON DELETE CASCADE,
    code     TEXT NOT NULL CHECK (
                   code = 'named' OR code = 'was-named' OR code = 'backing-glob' OR code = 'external-snapshot'
                   OR code = 'openstack-base' OR code = 'proxmox-template' OR code = 'hidden'),
    subject  TEXT NOT NULL,  -- named, was-named: path of the image that names it; backing-glob: the glob; else ''
    scan_id  INTEGER,        -- was-named: the latest scan that saw it named; else NULL
    sentence TEXT NOT NULL,  -- the same in words
    PRIMARY KEY (image_id, code, subject)
) STRICT, WITHOUT ROWID;

-- Who held a file of an image at the end of the scan: a process, a loop device... QEMU's locks are image.lock_state.
CREATE TABLE holder (
    file_id INTEGER REFERENCES file ON DELETE CASCADE,  -- NULL: every one; who holds them could not be found out
    subject TEXT NOT NULL,  -- in words: "open for writing by nbdkit (pid 1234)"; file_id NULL: what could not be looked at
    UNIQUE (file_id, subject)
) STRICT;

-- One reason why a verdict is not proven.
CREATE TABLE doubt (
    image_id INTEGER REFERENCES image ON DELETE CASCADE,  -- the candidate; NULL: every one
    code     TEXT NOT NULL CHECK (
                   code = 'unread' OR code = 'not-walked' OR code = 'broken-reference' OR code = 'exchanged'
                   OR code = 'renamed' OR code = 'local-service' OR code = 'remote-name'
                   OR code = 'changed-during-scan' OR code = 'not-understood' OR code = 'cross-linked'
                   OR code = 'in-use' OR code = 'written-since' OR code = 'identity-uncertain'
                   OR code = 'shared-file' OR code = 'shared-filesystem' OR code = 'loop' OR code = 'chain-broken'
                   OR code = 'non-backing-reader' OR code = 'packed-reference' OR code = 'recent'
                   OR code = 'no-inventory' OR code = 'inventory-incomplete'),
    subject  TEXT NOT NULL,  -- what raises it: a path most often, with a remark in parentheses; '': none, the code is enough
    sentence TEXT NOT NULL,  -- the same in words
    advice   TEXT NOT NULL CHECK (advice = 'find-users' OR advice = 'findings' OR advice = ''),  -- the suggestion that helps to clear it; '': none does
    UNIQUE (image_id, code, subject)
) STRICT;

-- Findings and history ------------------------------------------------------------------------------------------------

-- Something broken, unsafe or not readable. Rows of earlier scans stay while their scan is kept.
CREATE TABLE finding (
    finding_id INTEGER PRIMARY KEY,
    code       TEXT NOT NULL CHECK (  -- imgaudit(1), FINDINGS
                   code = 'unreadable' OR code = 'unreadable-directory' OR code = 'unsupported-format'
                   OR code = 'corrupt' OR code = 'limit' OR code = 'changed-while-read' OR code = 'truncated'
                   OR code = 'unrecognised' OR code = 'empty-image' OR code = 'not-a-regular-file'
                   OR code = 'marked-corrupt' OR code = 'clusters-overlap' OR code = 'empty-l2-table'
                   OR code = 'dirty' OR code = 'encrypted' OR code = 'snapshot-unreadable'
                   OR code = 'backing-missing' OR code = 'backing-outside' OR code = 'backing-unreadable'
                   OR code = 'backing-remote' OR code = 'served-locally' OR code = 'backing-unsupported'
                   OR code = 'backing-depends-on-directory' OR code = 'backing-loop'
                   OR code = 'backing-format-guessed' OR code = 'chain-too-deep' OR code = 'format-conflict'
                   OR code = 'data-file-missing' OR code = 'data-file-unreadable' OR code = 'data-file-outside'
                   OR code = 'data-file-depends-on-directory' OR code = 'extent-missing'
                   OR code = 'extent-unreadable' OR code = 'extent-outside' OR code = 'parent-mismatch'
                   OR code = 'parent-ambiguous' OR code = 'symlink-outside' OR code = 'symlink-dangling'
                   OR code = 'excluded' OR code = 'mount-missing' OR code = 'no-longer-scanned'
                   OR code = 'packed-unreadable' OR code = 'pseudo-file-system' OR code = 'backing-exchanged'
                   OR code = 'backing-written' OR code = 'directory-changing' OR code = 'sole-host-unused'
                   OR code = 'image-lost' OR code = 'inventory-unreadable' OR code = 'claim-missing'
                   OR code = 'claim-outside' OR code = 'claim-unscanned' OR code = 'pool-not-scanned'
                   OR code = 'disk-in-two-machines'),
    severity   TEXT NOT NULL CHECK (severity = 'info' OR severity = 'warning' OR severity = 'error'),
    path       TEXT NOT NULL,     -- what it is about
    detail     TEXT NOT NULL,     -- in words
    doubt      TEXT CHECK (  -- code of the doubt that it raises about every candidate, as doubt.code; NULL: none
                   doubt = 'unread' OR doubt = 'not-walked' OR doubt = 'broken-reference' OR doubt = 'exchanged'
                   OR doubt = 'renamed' OR doubt = 'local-service' OR doubt = 'remote-name'
                   OR doubt = 'changed-during-scan' OR doubt = 'not-understood' OR doubt = 'cross-linked'
                   OR doubt = 'in-use' OR doubt = 'written-since' OR doubt = 'identity-uncertain'
                   OR doubt = 'shared-file' OR doubt = 'shared-filesystem' OR doubt = 'loop'
                   OR doubt = 'chain-broken' OR doubt = 'non-backing-reader' OR doubt = 'packed-reference'
                   OR doubt = 'recent' OR doubt = 'no-inventory' OR doubt = 'inventory-incomplete'),
    accepted_by INTEGER,          -- acceptance.number: it raises no doubt then; NULL: it is not accepted
    first_scan INTEGER NOT NULL,  -- scan_id
    last_scan  INTEGER NOT NULL,  -- scan_id
    UNIQUE (path, code, detail)
) STRICT;

-- How an image was, by its path, from one scan to another: an image that stays as it is takes one row.
CREATE TABLE history_span (
    path         TEXT NOT NULL,
    first_scan   INTEGER NOT NULL,  -- scan_id of the first scan that saw it so
    last_scan    INTEGER,           -- scan_id of the last one; NULL: the latest
    image_id     INTEGER NOT NULL,
    virtual_size INTEGER,           -- guest bytes; NULL: the header was not understood
    file_size    INTEGER NOT NULL,  -- bytes of all its files
    disk_size    INTEGER NOT NULL,  -- bytes of blocks of all its files
    data_bytes   INTEGER NOT NULL,  -- guest bytes
    chain_depth  INTEGER NOT NULL,  -- images below it
    dependents   INTEGER NOT NULL,  -- images that name it as their backing file
    backing_path TEXT,              -- as image.backing_path
    state        TEXT NOT NULL CHECK (  -- as v_image.state
                   state = 'ok' OR state = 'broken-chain' OR state = 'changed' OR state = 'snapshot-unreadable'
                   OR state = 'not-seen'
                   OR state = 'truncated' OR state = 'not-mine' OR state = 'unsupported' OR state = 'corrupt'
                   OR state = 'limit' OR state = 'missing' OR state = 'denied' OR state = 'refused'
                   OR state = 'loop' OR state = 'busy' OR state = 'full' OR state = 'foreign' OR state = 'io'
                   OR state = 'no-memory' OR state = 'usage' OR state = 'bug'),
    PRIMARY KEY (path, first_scan)
) STRICT, WITHOUT ROWID;
CREATE INDEX history_span_open ON history_span (path) WHERE last_scan IS NULL;
