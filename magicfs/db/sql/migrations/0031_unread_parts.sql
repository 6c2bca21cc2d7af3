-- What of a content's parts is not in the index. No default: no table is rewritten.
ALTER TABLE contents
    -- The parts that could not be read, for a person: '2 of 14 parts could not be read: notes.docx (encrypted), …'.
    -- NULL if all were read, and in the rows of an older version.
    ADD COLUMN unread_parts text;
