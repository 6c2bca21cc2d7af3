COMMENT ON COLUMN files.priority IS '1: a person just saved it. 0: a scan has found it. -1: a scan has found it, and it is a picture, whose text takes long to recognise.';
