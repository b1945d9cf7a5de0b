-- SPDX-License-Identifier: MIT
-- What pairs of heads share.

-- From here on history.state is v_image.state, 'broken-chain' included.

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
