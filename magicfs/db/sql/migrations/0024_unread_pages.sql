-- What of a content waits for OCR, and what was left out. No defaults: no table is rewritten.
ALTER TABLE contents
    -- The OCR that has recognised its pictures or found no text in them, 'none' while pages wait for one. NULL without
    -- pictures, and in the rows of an older version: `detail` begins with the name of the OCR there.
    ADD COLUMN ocr text,
    -- Which pages were not read, and why, for a person: 'pages 3, 7-9: timeout'. NULL if `unread_pages` is 0.
    ADD COLUMN unread_detail text;

-- The rows of a model that are done without a vector, state 'unread': `magicfs status` counts them. A transaction that
-- has just added a value to a type may not use it.
CREATE INDEX embeddings_unread ON embeddings (model_id) WHERE state NOT IN ('pending', 'done', 'failed');
