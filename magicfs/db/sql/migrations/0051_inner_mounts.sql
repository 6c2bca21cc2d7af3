-- A directory of a root in which nothing is mounted any more is empty, and its files are not deleted.
ALTER TABLE roots ADD COLUMN inner_mounts bytea[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN roots.inner_mounts IS 'Where mounts of its device stand in the root, and where they stood, if those directories are empty now: files in them count as missing, not as deleted.';
