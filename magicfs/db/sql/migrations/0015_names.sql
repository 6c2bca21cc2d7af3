-- Files are found by their names, whatever is in them. Nothing is rewritten here: maintenance writes the new columns of
-- older rows, a few hundred in a transaction.

-- A file without text: a picture, a film, an archive, an empty file. It has a content, which says why there is no text.
ALTER TYPE file_state ADD VALUE IF NOT EXISTS 'named' AFTER 'indexed';

ALTER TABLE files
    -- The words of the path, as `magicfs.text.names` gives them; those of the file's own name have the weight A.
    ADD COLUMN words tsvector,
    -- The path in the folded form that filters compare.
    ADD COLUMN folded text;

-- The root's name in the same form.
ALTER TABLE roots ADD COLUMN folded text;

DROP INDEX files_words;
CREATE INDEX files_words ON files USING gin (words) WITH (gin_pending_list_limit = 256) WHERE words IS NOT NULL;

-- The files whose names are still to be written, and those that a program of an older version has recorded since.
CREATE INDEX files_without_words ON files (id) WHERE words IS NULL;

-- Other words change what a search finds.
DROP TRIGGER files_change ON files;
CREATE TRIGGER files_change AFTER UPDATE ON files
FOR EACH ROW WHEN (
    (OLD.path, OLD.size, OLD.mtime_ns, OLD.ctime_ns, OLD.ino, OLD.mode, OLD.uid, OLD.gid, OLD.state, OLD.content_id,
     OLD.indexed_at, OLD.words, OLD.folded)
    IS DISTINCT FROM
    (NEW.path, NEW.size, NEW.mtime_ns, NEW.ctime_ns, NEW.ino, NEW.mode, NEW.uid, NEW.gid, NEW.state, NEW.content_id,
     NEW.indexed_at, NEW.words, NEW.folded))
EXECUTE FUNCTION magicfs_count_change();
