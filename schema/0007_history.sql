-- SPDX-License-Identifier: MIT
-- Chains and dependents between two scans. From here on history.state is v_image.state, 'broken-chain' included.

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
