-- Until when a worker measures what the cosines of a model say; null while none does. The claim of a worker that dies ends by
-- itself, and another one measures.
ALTER TABLE models ADD COLUMN scale_claimed_until timestamptz;
