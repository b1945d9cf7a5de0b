-- SPDX-License-Identifier: MIT
-- History by spans, with depths and dependents between two scans in v_growth: an image that stays as it is takes one row however many scans see it so.

-- How an image was, by its path, from one scan to another.
CREATE TABLE history_span (
    path         TEXT NOT NULL,
    first_scan   INTEGER NOT NULL,  -- the first scan that saw it so
    last_scan    INTEGER,           -- the last one; NULL: the latest
    image_id     INTEGER NOT NULL,
    virtual_size INTEGER,
    file_size    INTEGER NOT NULL,  -- bytes of all its files
    disk_size    INTEGER NOT NULL,  -- blocks of all its files, bytes
    data_bytes   INTEGER NOT NULL,  -- guest bytes
    chain_depth  INTEGER NOT NULL,
    dependents   INTEGER NOT NULL,
    backing_path TEXT,
    state        TEXT NOT NULL,     -- as in v_image
    PRIMARY KEY (path, first_scan)
) STRICT, WITHOUT ROWID;
CREATE INDEX history_span_open ON history_span (path) WHERE last_scan IS NULL;

INSERT INTO history_span
SELECT path, scan_id, nullif(scan_id, (SELECT max(scan_id) FROM scan)), image_id, virtual_size, file_size, disk_size,
       data_bytes, chain_depth, dependents, backing_path, state
FROM history;

-- Numbers of images are never used again while anything may remember them.
INSERT INTO setting (key, value)
SELECT 'last-image', max(coalesce((SELECT max(image_id) FROM image), 0), coalesce((SELECT max(image_id) FROM history), 0));

DROP VIEW v_growth;
DROP TABLE history;

-- A row for each image and scan.
CREATE VIEW history AS
SELECT s.scan_id, h.path, h.image_id, h.virtual_size, h.file_size, h.disk_size, h.data_bytes, h.chain_depth,
       h.dependents, h.backing_path, h.state
FROM history_span AS h
JOIN scan AS s ON s.scan_id >= h.first_scan AND s.scan_id <= coalesce(h.last_scan, s.scan_id);

CREATE VIEW v_growth AS
SELECT b.path, a.scan_id AS from_scan, b.scan_id AS to_scan,
       b.disk_size - a.disk_size AS disk_delta, b.data_bytes - a.data_bytes AS data_delta,
       b.virtual_size - a.virtual_size AS virtual_delta,
       -- Of an image that was not understood, or whose chain is broken, how deep it stands is not known.
       CASE a.state WHEN 'ok' THEN a.chain_depth END AS depth_from,
       CASE b.state WHEN 'ok' THEN b.chain_depth END AS depth_to,
       a.dependents AS dependents_from, b.dependents AS dependents_to
FROM history AS b
JOIN history AS a ON a.path = b.path AND a.scan_id < b.scan_id;
