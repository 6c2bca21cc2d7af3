-- One agent a host, and what others delete from a root. Constant defaults: no table is rewritten.

-- The machine whose agent has the host. Another machine's agent does not work until the claim is given back or runs out.
ALTER TABLE hosts
    ADD COLUMN agent_machine text,
    ADD COLUMN agent_until timestamptz;

-- Statements that have deleted files of the root. An agent keeps what it has seen of a root, and compares with the
-- database anew when this has moved by more than its own deletions.
ALTER TABLE roots ADD COLUMN deletions bigint NOT NULL DEFAULT 0;

CREATE FUNCTION magicfs_count_deletions() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE roots SET deletions = deletions + 1 WHERE id IN (SELECT root_id FROM deleted);
    RETURN NULL;
END
$$;

CREATE TRIGGER files_deleted AFTER DELETE ON files REFERENCING OLD TABLE AS deleted
FOR EACH STATEMENT EXECUTE FUNCTION magicfs_count_deletions();
