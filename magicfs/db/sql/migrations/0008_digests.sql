-- A model is known by the digest of its weights, its tokeniser and its preparation: other files under the same name are
-- another model, with another row and another partition of vectors. '' in the row of a model whose digest no host has
-- said yet; the first one that has the model fills it in, and no vector is made anew.
ALTER TABLE models
    ADD COLUMN digest text NOT NULL DEFAULT '',
    DROP CONSTRAINT models_name_precision_key;
CREATE UNIQUE INDEX models_digest ON models (digest) WHERE digest <> '';
CREATE UNIQUE INDEX models_without_digest ON models (name, precision) WHERE digest = '';

-- The vectors of a row are those of one model for ever.
CREATE FUNCTION magicfs_keep_digest() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the vectors of model % are those of digest %', OLD.id, OLD.digest USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER models_keep_digest BEFORE UPDATE OF digest ON models FOR EACH ROW
WHEN (OLD.digest <> '' AND NEW.digest <> OLD.digest) EXECUTE FUNCTION magicfs_keep_digest();
