-- What a chunk belongs to, such as the title of its document: the model reads it before the text, searches by words
-- do not. It is part of what makes two chunks one, so the digest covers it.
ALTER TABLE chunks ADD COLUMN context text NOT NULL DEFAULT '';
