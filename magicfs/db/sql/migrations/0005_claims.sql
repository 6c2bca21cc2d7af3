-- When a file was last claimed, by the clock that sets `changed_at`: whether it has changed since says whether what
-- became of its reader is still true of it. And whether reading a file may take seconds, or a minute: a column of its
-- own, since an index on the size would have to follow every change of it.
ALTER TABLE files
    ADD COLUMN claimed_at timestamptz,
    ADD COLUMN large boolean NOT NULL GENERATED ALWAYS AS (size > 524288) STORED;

-- While one worker reads a large file, the others pass over all large ones: in an import of many of those, this finds
-- the small ones without visiting them.
CREATE INDEX files_small_backlog ON files (root_id, priority DESC, attempts, id) WHERE state = 'pending' AND NOT large;
