-- Pictures in documents are recognised some at a time, as scanned pages are, and each picture once, whatever document has it.
ALTER TABLE page_texts ADD COLUMN picture bytea, ADD COLUMN ocr text;
COMMENT ON TABLE page_texts IS 'What was read of a page or a picture of a content while others of it are pending: it is not read again with them. Rows of pictures stay, because other contents may have the same picture.';
COMMENT ON COLUMN page_texts.page IS 'The page, or the picture among those of the document, from 1.';
COMMENT ON COLUMN page_texts.picture IS 'Digest that tells the picture from others; null for a page.';
COMMENT ON COLUMN page_texts.ocr IS 'The OCR that has looked at the picture; null for a page.';
CREATE INDEX page_texts_picture ON page_texts (picture) WHERE picture IS NOT NULL;

COMMENT ON COLUMN contents.pending_pages IS 'The number of pages, or of pictures in a document, that are read later; `unread_pages` counts them too.';
COMMENT ON COLUMN contents.unread_pages IS 'The number of pages, or of pictures in a document, that were not read or not recognised.';
