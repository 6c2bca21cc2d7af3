-- When a file was last claimed, by the clock that sets `changed_at`: whether it has changed since says whether what
-- became of its reader is still true of it.
ALTER TABLE files ADD COLUMN claimed_at timestamptz;

-- While one worker reads a large file, the others pass over all large ones: in an import of many of those, this finds
-- the small ones without visiting them.
CREATE INDEX files_small_backlog ON files (root_id, priority DESC, attempts, id)
    WHERE state = 'pending' AND size <= 524288;
