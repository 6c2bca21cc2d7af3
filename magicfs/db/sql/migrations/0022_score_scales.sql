-- What the cosines of a model say in this corpus, as `magicfs.domain.scales` has it; null until it is measured.
ALTER TABLE models ADD COLUMN scale jsonb;
