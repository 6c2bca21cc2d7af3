-- Scanned pages for which the time of a file was not enough are read later, some at a time.
ALTER TABLE contents ADD COLUMN pending_pages integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN contents.pending_pages IS 'The number of pages that are read later, because the time was over; `unread_pages` counts them too.';
CREATE INDEX contents_pending_pages ON contents (pending_pages) WHERE pending_pages > 0;

CREATE TABLE page_texts (
    content_id    bigint NOT NULL REFERENCES contents ON DELETE CASCADE,
    page          integer NOT NULL,
    text          text NOT NULL,
    is_recognised boolean NOT NULL,
    failure       text,
    PRIMARY KEY (content_id, page)
);
COMMENT ON TABLE page_texts IS 'What was read of a page of a content while other pages of it are pending: it is not read again with them.';
COMMENT ON COLUMN page_texts.content_id IS 'The content.';
COMMENT ON COLUMN page_texts.page IS 'The page, from 1.';
COMMENT ON COLUMN page_texts.text IS 'Its recognised text, or its text layer; empty if it shows nothing more.';
COMMENT ON COLUMN page_texts.is_recognised IS 'Whether OCR has read it.';
COMMENT ON COLUMN page_texts.failure IS 'Why it could not be read (docs/reasons.md); null if it was.';

COMMENT ON COLUMN files.priority IS '1: a person just saved it. 0: a scan has found it. -1: a scan has found it, and it is a picture, whose text takes long to recognise. -2: it was read before, and is read again by a newer version, or because there is OCR now. -3: it was read but for some pages, and a worker reads more of them.';

-- What earlier versions have left out for want of time.
UPDATE contents SET pending_pages = unread_pages
WHERE reason IS NULL AND unread_pages > 0 AND extractor > 0 AND kind LIKE 'application/pdf %' AND unread_detail LIKE '%: timeout%';
