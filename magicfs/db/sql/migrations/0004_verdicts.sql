-- What was concluded of files without text: how long it is kept, and when it is reached anew.

-- The version of the extractor that found no text here; counts while there is a reason. A content knows its own. 0 is
-- what was concluded before this was recorded.
ALTER TABLE files ADD COLUMN extractor smallint NOT NULL DEFAULT 0;

-- When a file was last found to have these bytes. No file refers to a content that has no text, so that nothing else
-- tells whether it still saves work.
ALTER TABLE contents ADD COLUMN used_at timestamptz NOT NULL DEFAULT now();

-- Of an inode that has several names, an event says one: the others are looked up.
CREATE INDEX files_inode ON files (root_id, ino);
