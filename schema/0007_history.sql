-- SPDX-License-Identifier: MIT
-- Chains and dependents between two scans, and what pairs of heads share.

-- From here on history.state is v_image.state, 'broken-chain' included.
DROP VIEW v_growth;
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

-- The pairs of heads of each tree that share most. The rows of a tree are written together.
CREATE TABLE pair (
    image_id INTEGER NOT NULL REFERENCES image ON DELETE CASCADE,
    other_id INTEGER NOT NULL REFERENCES image ON DELETE CASCADE,
    bytes    INTEGER NOT NULL,  -- guest bytes of data that both read from the same image, > 0
    others   INTEGER NOT NULL,  -- no pair of the tree that has no row shares more
    PRIMARY KEY (image_id, other_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX pair_other ON pair (other_id);

CREATE VIEW v_pair AS
SELECT p.image_id, i.path, p.other_id, o.path AS other_path, p.bytes AS shared_bytes, p.others AS others_at_most
FROM pair AS p
JOIN image AS i ON i.image_id = p.image_id
JOIN image AS o ON o.image_id = p.other_id;
