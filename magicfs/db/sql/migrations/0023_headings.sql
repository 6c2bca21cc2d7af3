-- What else a chunk is found by: the headings above and in it, and the head of its table, a line each. They are part of
-- what makes two chunks one, so the digest covers them. The model does not read them. No table is rewritten.
ALTER TABLE chunks ADD COLUMN headings text NOT NULL DEFAULT '';
