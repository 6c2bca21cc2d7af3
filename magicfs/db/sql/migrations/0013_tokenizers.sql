-- The digest of a model is that of its weights before they are rounded: two hosts that prepare the same weights with
-- different versions of onnxruntime have the same model. Before, it was that of the rounded ones; a host that knows both
-- replaces it, and the former one stays, for hosts whose files were prepared by an older version.
ALTER TABLE models
    ADD COLUMN former_digest text NOT NULL DEFAULT '',
    -- SHA-256 of `tokenizer.json`: a host that has it reads files for the model, even if it cannot run the model. '' in
    -- the row of an older version until a host that has the model starts.
    ADD COLUMN tokenizer text NOT NULL DEFAULT '';

DROP TRIGGER models_keep_digest ON models;
CREATE TRIGGER models_keep_digest BEFORE UPDATE OF digest ON models FOR EACH ROW
WHEN (OLD.digest <> '' AND NEW.digest <> OLD.digest AND NEW.former_digest <> OLD.digest)
EXECUTE FUNCTION magicfs_keep_digest();

-- Each transaction that changes the index updates a row of this small table. While a long transaction holds a snapshot,
-- the old versions of these rows must stay; autovacuum removes them soon after.
ALTER TABLE changes SET (
    autovacuum_vacuum_threshold = 500,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_threshold = 100000
);
