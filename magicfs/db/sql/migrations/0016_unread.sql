-- A chunk in a language that the model does not read: done, without a vector.
ALTER TYPE embedding_state ADD VALUE IF NOT EXISTS 'unread';

ALTER TABLE contents
    -- Characters of encoded data, such as pictures in base64, that are not in the text.
    ADD COLUMN encoded_characters bigint NOT NULL DEFAULT 0;
