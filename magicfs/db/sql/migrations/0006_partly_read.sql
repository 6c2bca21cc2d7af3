-- What of a content is not in the index. Constant defaults: no table is rewritten.
ALTER TABLE contents
    -- Bytes of text beyond the limit of a text.
    ADD COLUMN cut_bytes bigint NOT NULL DEFAULT 0,
    -- Pages without a text layer that were not recognised: the time was over, or the parser failed.
    ADD COLUMN unread_pages integer NOT NULL DEFAULT 0;
