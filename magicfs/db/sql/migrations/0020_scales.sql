-- The scale of a model's cosines for a question and a text in different languages; null where it makes no difference.
ALTER TABLE models ADD COLUMN floor_across real, ADD COLUMN ceiling_across real;
