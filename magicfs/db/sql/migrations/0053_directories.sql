-- A filter by directory lists the contents of the files below it. It finds them here by the names of their directories,
-- each of which is stored once. A name of more than 2,600 bytes does not fit into an entry: a file whose path is as long,
-- or has no folded form yet, is found by the name '/', which no directory has.
CREATE INDEX files_directories ON files USING gin ((
    CASE WHEN octet_length(folded) <= 2600 THEN string_to_array(left(folded, -strpos(reverse(folded), '/')), '/')
         ELSE ARRAY['/'] END
)) WITH (gin_pending_list_limit = 256);
