-- An index may have a second model, which reads every language: its chunks wait beside those of the active model.
ALTER TYPE model_state ADD VALUE IF NOT EXISTS 'multilingual';

-- The value itself cannot be used before this transaction ends.
CREATE UNIQUE INDEX models_one_multilingual ON models (state) WHERE state NOT IN ('active', 'building', 'retired');

-- The languages (ISO 639-1) that a model reads; none for a model that reads all, or of which it is not known.
ALTER TABLE models ADD COLUMN languages text[] NOT NULL DEFAULT '{}';
