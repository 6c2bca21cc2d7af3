-- A file that moves to another root is another result, even if its path there is the same.
DROP TRIGGER files_change ON files;
CREATE TRIGGER files_change AFTER UPDATE ON files
FOR EACH ROW WHEN (
    (OLD.root_id, OLD.path, OLD.size, OLD.mtime_ns, OLD.ctime_ns, OLD.ino, OLD.mode, OLD.uid, OLD.gid, OLD.state,
     OLD.content_id, OLD.indexed_at, OLD.words, OLD.folded)
    IS DISTINCT FROM
    (NEW.root_id, NEW.path, NEW.size, NEW.mtime_ns, NEW.ctime_ns, NEW.ino, NEW.mode, NEW.uid, NEW.gid, NEW.state,
     NEW.content_id, NEW.indexed_at, NEW.words, NEW.folded))
EXECUTE FUNCTION magicfs_count_change();
