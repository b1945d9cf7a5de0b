-- SPDX-License-Identifier: MIT
-- Images that use the same bytes of their files for two things.

-- 1: bytes of its files are used for two things that cannot share them: guest clusters of one mapping, or a cluster and
-- a table; 0: none are, as far as the account of host space tells; NULL: not known.
ALTER TABLE image ADD COLUMN overlapping INTEGER;

-- Of images that are known already it is told by the next scan, which reads them again.
UPDATE file SET checked_ns = 0 WHERE verdict = 'image';
