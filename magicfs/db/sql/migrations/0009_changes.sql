-- Counts the transactions that have changed what searches can see, so that a result is kept until one more has. Claims
-- and heartbeats are none.

-- The count is the sum of all rows. A transaction takes a row that no other one holds, so that writers never wait for
-- each other; there are as many rows as there were such transactions at once. Most of a page stays free for updates.
CREATE TABLE changes (
    slot   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number bigint NOT NULL
) WITH (fillfactor = 10);

CREATE FUNCTION magicfs_count_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    -- Once for each transaction.
    IF current_setting('magicfs.counted_in', true) IS DISTINCT FROM pg_current_xact_id()::text THEN
        PERFORM set_config('magicfs.counted_in', pg_current_xact_id()::text, true);
        UPDATE changes SET number = number + 1
        WHERE slot = (SELECT slot FROM changes ORDER BY slot LIMIT 1 FOR UPDATE SKIP LOCKED);
        IF NOT FOUND THEN
            INSERT INTO changes (number) VALUES (1);
        END IF;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER files_come_and_go AFTER INSERT OR DELETE ON files
FOR EACH ROW EXECUTE FUNCTION magicfs_count_change();
CREATE TRIGGER files_change AFTER UPDATE ON files
FOR EACH ROW WHEN (
    (OLD.path, OLD.size, OLD.mtime_ns, OLD.ctime_ns, OLD.ino, OLD.mode, OLD.uid, OLD.gid, OLD.state, OLD.content_id,
     OLD.indexed_at)
    IS DISTINCT FROM
    (NEW.path, NEW.size, NEW.mtime_ns, NEW.ctime_ns, NEW.ino, NEW.mode, NEW.uid, NEW.gid, NEW.state, NEW.content_id,
     NEW.indexed_at))
EXECUTE FUNCTION magicfs_count_change();

-- New rows need no trigger: they wait for a vector, and come with the file that has the chunk.
CREATE TRIGGER embeddings_go AFTER DELETE ON embeddings
FOR EACH ROW EXECUTE FUNCTION magicfs_count_change();
CREATE TRIGGER embeddings_change AFTER UPDATE ON embeddings
FOR EACH ROW WHEN (OLD.state <> NEW.state)
EXECUTE FUNCTION magicfs_count_change();

CREATE TRIGGER models_come_and_go AFTER INSERT OR DELETE ON models
FOR EACH ROW EXECUTE FUNCTION magicfs_count_change();
CREATE TRIGGER models_change AFTER UPDATE ON models
FOR EACH ROW WHEN (OLD IS DISTINCT FROM NEW)
EXECUTE FUNCTION magicfs_count_change();

CREATE TRIGGER roots_change AFTER UPDATE ON roots
FOR EACH ROW WHEN ((OLD.name, OLD.path, OLD.device) IS DISTINCT FROM (NEW.name, NEW.path, NEW.device))
EXECUTE FUNCTION magicfs_count_change();
