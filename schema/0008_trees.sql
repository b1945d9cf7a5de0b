-- SPDX-License-Identifier: MIT
-- Which trees of the forest have to be analysed again.

-- One row for each image that stands on no other: all that the results of its tree depend on (members, their links,
-- mappings and marks), as one number. The rows of chain, usage, seen and masked of a tree whose number is the same hold.
CREATE TABLE tree (
    root_id     INTEGER PRIMARY KEY REFERENCES image ON DELETE CASCADE,
    fingerprint INTEGER NOT NULL
) STRICT;

-- The number of the whole forest that was kept so far says less than these.
DELETE FROM setting WHERE key = 'forest';
