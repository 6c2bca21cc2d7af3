-- A filter by extension lists the contents of the files that it leaves. It reads them here, and no rows of other files.
CREATE INDEX files_extension ON files (extension) INCLUDE (content_id);
