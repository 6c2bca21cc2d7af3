-- What each table and each column holds: `\d+ NAME` in psql shows it. A later migration comments on what it adds or
-- changes; tests/integration/db/test_comments.py finds what has no comment. Digests of texts and contents are XXH3-128.

-- Nothing reads these two.
ALTER TABLE roots DROP COLUMN added_at;
ALTER TABLE contents DROP COLUMN created_at;

COMMENT ON SEQUENCE leases IS 'The numbers of claims. A result is written only where its row still has the number of its claim.';

COMMENT ON TABLE hosts IS 'A machine that owns roots.';
COMMENT ON COLUMN hosts.id IS 'Its number in this index.';
COMMENT ON COLUMN hosts.name IS 'Its name in the cluster.';
COMMENT ON COLUMN hosts.heartbeat IS 'When its agent last reported; null until the first time.';
COMMENT ON COLUMN hosts.agent_machine IS 'The machine whose agent has the host, or had it when it fell silent; null after it was stopped.';
COMMENT ON COLUMN hosts.agent_until IS 'When the agent''s lease of the host runs out. No agent of another machine works before that.';
COMMENT ON COLUMN hosts.agent_boot IS 'The boot of the kernel on which the agent runs, or ran last: extract workers of another one claim no file. Null until an agent has had the host.';

COMMENT ON TABLE roots IS 'A directory tree that is indexed.';
COMMENT ON COLUMN roots.id IS 'Its number in this index.';
COMMENT ON COLUMN roots.host_id IS 'The host that it is on.';
COMMENT ON COLUMN roots.path IS 'The absolute path, in the bytes of the file system.';
COMMENT ON COLUMN roots.name IS 'The name of its directory below mirror/, unique in the cluster.';
COMMENT ON COLUMN roots.device IS '`st_dev` when it was added: another one means that a disk is missing or was swapped.';
COMMENT ON COLUMN roots.state IS '`missing`: it is absent, or something else is in its place. `suspect`: so many files are gone that a person should confirm. Both keep their files.';
COMMENT ON COLUMN roots.detail IS 'Why it is not present, for a person.';
COMMENT ON COLUMN roots.scanned_at IS 'When the last scan began that was completed; null while the first one runs.';
COMMENT ON COLUMN roots.scan_wanted_at IS 'Somebody wants a scan that begins after this moment.';
COMMENT ON COLUMN roots.may_delete IS 'Whether a person has confirmed that the files which a suspect root lacks are to be forgotten.';
COMMENT ON COLUMN roots.deletions IS 'The number of statements that have deleted files of it, by which an agent notices those of others.';
COMMENT ON COLUMN roots.folded IS 'The name in the form that filters compare; null until maintenance has written it.';

COMMENT ON TABLE contents IS 'The distinct bytes of files. Files share a content on whatever host they are, if their names do not make them out to be of other kinds.';
COMMENT ON COLUMN contents.id IS 'Its number in this index.';
COMMENT ON COLUMN contents.digest IS 'The digest of the bytes.';
COMMENT ON COLUMN contents.extractor IS 'The version of the extractor that has read them. Another version reads the same bytes anew.';
COMMENT ON COLUMN contents.kind IS 'How the bytes are read: the type that they were taken for, and whether they are decoded or parsed.';
COMMENT ON COLUMN contents.size IS 'Bytes.';
COMMENT ON COLUMN contents.mime_type IS 'The type that they turned out to have.';
COMMENT ON COLUMN contents.title IS 'The title, by the metadata; null if it says none.';
COMMENT ON COLUMN contents.author IS 'Who wrote it, by the metadata; null if it says nobody.';
COMMENT ON COLUMN contents.keywords IS 'What the metadata says that it is about: words of its first chunk, as title and author are.';
COMMENT ON COLUMN contents.language IS 'ISO 639-1; null where it is not known.';
COMMENT ON COLUMN contents.reason IS 'Why there is no text (docs/reasons.md); null for a content with chunks.';
COMMENT ON COLUMN contents.detail IS 'More about the reason, for a person.';
COMMENT ON COLUMN contents.orphaned_at IS 'Since when no file has it; null while one has. It is kept a while, so that a move between two scans costs nothing. -infinity: the next sweep deletes it.';
COMMENT ON COLUMN contents.used_at IS 'When a file was last found to have these bytes. No file refers to most contents without text.';
COMMENT ON COLUMN contents.cut_bytes IS 'Bytes of text beyond the limit of a text, which are not in the index.';
COMMENT ON COLUMN contents.unread_pages IS 'The number of pages without a text layer that were not recognised.';
COMMENT ON COLUMN contents.unread_detail IS 'Which pages those are, and why, for a person; null if there are none.';
COMMENT ON COLUMN contents.unread_parts IS 'The parts that could not be read, for a person; null if all were.';
COMMENT ON COLUMN contents.encoded_characters IS 'Characters of encoded data, such as pictures in base64, that are not in the text.';
COMMENT ON COLUMN contents.ocr IS 'The OCR that has recognised its pictures or found no text in them; `none` while pages wait for one; null without pictures, and in rows of an older version, where `detail` begins with it.';

COMMENT ON TABLE files IS 'A path below a root, and where it is in the pipeline.';
COMMENT ON COLUMN files.id IS 'Its number in this index.';
COMMENT ON COLUMN files.root_id IS 'The root that it is below.';
COMMENT ON COLUMN files.path IS 'Relative to the root, without a leading slash, in the bytes of the file system.';
COMMENT ON COLUMN files.display IS 'The path as text, for people: bytes that are not UTF-8 are replaced.';
COMMENT ON COLUMN files.folded IS 'The path in the form that filters compare; null until maintenance has written it.';
COMMENT ON COLUMN files.extension IS 'Lower case, without the dot; empty if there is none.';
COMMENT ON COLUMN files.words IS 'The words of the path. Those of the file''s own name have the weight A. Null until maintenance has written them.';
COMMENT ON COLUMN files.size IS 'Bytes. This column and the next seven are what `lstat` said when the file was last seen.';
COMMENT ON COLUMN files.mtime_ns IS 'When the content changed last, in nanoseconds since the epoch.';
COMMENT ON COLUMN files.ctime_ns IS 'When content or attributes changed last, in nanoseconds since the epoch.';
COMMENT ON COLUMN files.ino IS 'The inode number, an unsigned one with its bits as they are.';
COMMENT ON COLUMN files.mode IS 'The permissions.';
COMMENT ON COLUMN files.uid IS 'The number of the owner.';
COMMENT ON COLUMN files.gid IS 'The number of the group.';
COMMENT ON COLUMN files.large IS 'Whether reading it may take seconds. A column of its own: an index on the size would have to follow every change of it.';
COMMENT ON COLUMN files.state IS '`pending`: it is to be read. `indexed`: its text is searched. `named`: it has no text and is found by its name. `skipped` and `failed`: see `reason`.';
COMMENT ON COLUMN files.reason IS 'Why it is skipped or has failed (docs/reasons.md).';
COMMENT ON COLUMN files.detail IS 'More about the reason, for a person.';
COMMENT ON COLUMN files.extractor IS 'The version of the extractor that has found the reason; 0 if an older program has.';
COMMENT ON COLUMN files.priority IS '1: a person just saved it. 0: a scan has found it.';
COMMENT ON COLUMN files.attempts IS 'The claims since its last change, counted before a parser sees it.';
COMMENT ON COLUMN files.lease IS 'The number of the claim; null while nobody works on it.';
COMMENT ON COLUMN files.leased_by IS 'The worker that has claimed it, by its name in the cluster.';
COMMENT ON COLUMN files.leased_until IS 'When the claim runs out; without a claim, until when it is not claimed.';
COMMENT ON COLUMN files.claimed_at IS 'When it was claimed last, by the clock that sets `changed_at`.';
COMMENT ON COLUMN files.read_at IS 'When the last reading began whose outcome was stored, by the same clock; null before the first one.';
COMMENT ON COLUMN files.pause_s IS 'Seconds after that reading in which it is not read again. They grow while a file is written all the time.';
COMMENT ON COLUMN files.content_id IS 'The content that searches see. It stays while a newer one is read.';
COMMENT ON COLUMN files.changed_at IS 'When the index was told that it is new or has changed.';
COMMENT ON COLUMN files.indexed_at IS 'When its content was stored last; null before that.';

COMMENT ON TABLE chunks IS 'A distinct piece of text, small enough for the model.';
COMMENT ON COLUMN chunks.id IS 'Its number in this index.';
COMMENT ON COLUMN chunks.digest IS 'The digest of `text`, `context` and `headings`.';
COMMENT ON COLUMN chunks.text IS 'What results show.';
COMMENT ON COLUMN chunks.context IS 'The title of its document or the head of its table, which the model reads before the text; empty without. Searches by words do not see it.';
COMMENT ON COLUMN chunks.headings IS 'The headings above and in it and the head of its table, a line each: it is found by their words, and the model does not read them.';
COMMENT ON COLUMN chunks.tokens IS 'Its length in tokens of the model.';
COMMENT ON COLUMN chunks.words IS 'Its words in the forms that searches look for, with their places.';
COMMENT ON COLUMN chunks.terms IS 'What each word adds to BM25, by the hash of the word (`magicfs.domain.term_weights`); null until maintenance has computed it.';
COMMENT ON COLUMN chunks.analysis IS 'The version of the analysis that `words` is from; maintenance computes older ones anew.';

COMMENT ON TABLE content_chunks IS 'A place of a chunk in a content. Lines and pages count from 1.';
COMMENT ON COLUMN content_chunks.content_id IS 'The content.';
COMMENT ON COLUMN content_chunks.ordinal IS 'The place among its chunks.';
COMMENT ON COLUMN content_chunks.chunk_id IS 'The chunk.';
COMMENT ON COLUMN content_chunks.first_line IS 'Its first line in the text of the content.';
COMMENT ON COLUMN content_chunks.last_line IS 'Its last line in the text of the content.';
COMMENT ON COLUMN content_chunks.page IS 'Its page; null in a format without pages.';

COMMENT ON TABLE models IS 'A model of whose vectors the index has some, has had some, or is getting some.';
COMMENT ON COLUMN models.id IS 'Its number in this index, and that of its partition of `embeddings`.';
COMMENT ON COLUMN models.name IS 'The name under which people know it. Two models may have one.';
COMMENT ON COLUMN models.precision IS '`int8` or `fp32`.';
COMMENT ON COLUMN models.dimension IS 'The size of its vectors.';
COMMENT ON COLUMN models.max_tokens IS 'The most tokens that it reads at a time.';
COMMENT ON COLUMN models.query_prefix IS 'What it wants to read before a question.';
COMMENT ON COLUMN models.digest IS 'What tells it from others: the digest of its weights, tokeniser and preparation. Empty until a host that has the model starts.';
COMMENT ON COLUMN models.former_digest IS 'The digest that an older version of MagicFS gives the same model; empty without.';
COMMENT ON COLUMN models.tokenizer IS 'SHA-256 of its `tokenizer.json`: a host that has this reads files for the model. Empty until a host that has the model starts.';
COMMENT ON COLUMN models.languages IS 'The languages (ISO 639-1) that it reads; none if it reads all, or if that is not known.';
COMMENT ON COLUMN models.floor IS 'The cosine of similarity 0, by its calibration.';
COMMENT ON COLUMN models.ceiling IS 'The cosine of similarity 1, by its calibration.';
COMMENT ON COLUMN models.floor_across IS 'The same as `floor` for a question and a text in different languages; null where it makes no difference.';
COMMENT ON COLUMN models.ceiling_across IS 'The same as `ceiling` for a question and a text in different languages; null where it makes no difference.';
COMMENT ON COLUMN models.scale IS 'What its cosines say in this corpus (`magicfs.domain.scales`); null until it is measured.';
COMMENT ON COLUMN models.scale_claimed_until IS 'Until when a worker measures that; null while none does.';
COMMENT ON COLUMN models.state IS '`active`: searches use it first. `building`: it is to replace that one. `multilingual`: searches use it beside. `renewing`: it is to replace the multilingual one. `retired`: it was replaced. At most one has each of the first four.';
COMMENT ON COLUMN models.changed_at IS 'When it came into its state. The vectors of a retired model are kept for a while, for the way back.';

COMMENT ON TABLE embeddings IS 'A chunk under a model: the work to be done, then the vector. Each model has a partition, whose pages are dense, and which goes with it. A row is updated by a claim while it has no vector, once more with the vector, and never again.';
COMMENT ON COLUMN embeddings.model_id IS 'The model.';
COMMENT ON COLUMN embeddings.chunk_id IS 'The chunk. It may be deleted before this row.';
COMMENT ON COLUMN embeddings.state IS '`pending`: it waits for its vector. `done`: it has it. `unread`: the model does not read its language, so it gets none. `failed`: see `reason`.';
COMMENT ON COLUMN embeddings.priority IS '1: of a file that a person just saved. 0: of any other. -1: a second vector, for which nobody waits.';
COMMENT ON COLUMN embeddings.attempts IS 'Its claims, counted before the model sees it.';
COMMENT ON COLUMN embeddings.lease IS 'The number of the claim; null while nobody works on it.';
COMMENT ON COLUMN embeddings.leased_until IS 'When the claim runs out.';
COMMENT ON COLUMN embeddings.leased_by IS 'The worker that has claimed it, by its name in the cluster.';
COMMENT ON COLUMN embeddings.reason IS 'Why it has failed.';
COMMENT ON COLUMN embeddings.vector IS 'Of length 1; null unless the state is `done`.';

COMMENT ON TABLE workers IS 'A worker that has answered an agent.';
COMMENT ON COLUMN workers.name IS 'Its name in the cluster.';
COMMENT ON COLUMN workers.host IS 'The host that it runs on.';
COMMENT ON COLUMN workers.kind IS '`extract` or `embed`.';
COMMENT ON COLUMN workers.pid IS 'Its process on that host.';
COMMENT ON COLUMN workers.seen_at IS 'When it answered last.';

COMMENT ON TABLE mounts IS 'A mount that is up. It reports every few seconds, and removes its row at its end.';
COMMENT ON COLUMN mounts.host IS 'The host that it is on.';
COMMENT ON COLUMN mounts.path IS 'The absolute path of the directory.';
COMMENT ON COLUMN mounts.pid IS 'Its process on that host.';
COMMENT ON COLUMN mounts.seen_at IS 'When it reported last.';

COMMENT ON TABLE host_certificates IS 'The certificate by which other hosts know a host, and where it serves its files. It counts once it is admitted.';
COMMENT ON COLUMN host_certificates.host IS 'The name of the host, which need not have an agent.';
COMMENT ON COLUMN host_certificates.fingerprint IS 'Of the certificate, as `magicfs.gateway.identity` writes it.';
COMMENT ON COLUMN host_certificates.certificate IS 'PEM.';
COMMENT ON COLUMN host_certificates.address IS 'HOST:PORT where it serves; null while it does not.';
COMMENT ON COLUMN host_certificates.requested_at IS 'When the host first showed it.';
COMMENT ON COLUMN host_certificates.admitted_at IS 'When somebody admitted it; null until then.';

COMMENT ON TABLE changes IS 'The number of transactions that have changed what searches can see, as the sum of all rows: a result is kept until it grows. A transaction takes a row that no other one holds, so that writers never wait for each other.';
COMMENT ON COLUMN changes.slot IS 'The row''s own number. There are as many rows as there were such transactions at once.';
COMMENT ON COLUMN changes.number IS 'The transactions that have counted in this row.';

COMMENT ON TABLE languages IS 'A language that a content has or had: questions are analysed for all of them.';
COMMENT ON COLUMN languages.code IS 'ISO 639-1.';

COMMENT ON TABLE frequent_words IS 'A word that many chunks have, by which a search weighs its words: a copy of Postgres''s statistics, which take long to read themselves.';
COMMENT ON COLUMN frequent_words.lexeme IS 'The word, in a form that `chunks.words` has.';
COMMENT ON COLUMN frequent_words.share IS 'The share of chunks that have it, in [0, 1].';

COMMENT ON TABLE meta IS 'A fact about the index as a whole.';
COMMENT ON COLUMN meta.key IS 'Its name. One of a host or a root has the name of the host or the number of the root after an `@`.';
COMMENT ON COLUMN meta.value IS 'Its value, as text.';

COMMENT ON TABLE schema_migrations IS 'A migration that was applied.';
COMMENT ON COLUMN schema_migrations.version IS 'The number that the name of its file begins with.';
COMMENT ON COLUMN schema_migrations.digest IS 'The SHA-256 of its text: an applied migration never changes.';
COMMENT ON COLUMN schema_migrations.applied_at IS 'When it was applied.';
