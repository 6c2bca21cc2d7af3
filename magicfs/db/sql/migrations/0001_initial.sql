-- The first schema. Applied migrations never change: tests/unit/db/test_frozen.py holds their hashes.
-- Digests are XXH3-128 (16 bytes). Paths are bytes, as the file system has them.

CREATE TYPE file_state AS ENUM ('pending', 'indexed', 'skipped', 'failed');
CREATE TYPE embedding_state AS ENUM ('pending', 'done', 'failed');
CREATE TYPE model_state AS ENUM ('active', 'building', 'retired');
CREATE TYPE root_state AS ENUM ('present', 'missing', 'suspect');

-- Numbers of claims. A claim's number is the guard under which its work is finished.
CREATE SEQUENCE leases AS bigint;

-- A machine that owns roots.
CREATE TABLE hosts (
    id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name      text NOT NULL UNIQUE,
    -- When its agent last said that it lives; null until the first time.
    heartbeat timestamptz
);

-- A directory tree under watch.
CREATE TABLE roots (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    host_id    integer NOT NULL REFERENCES hosts,
    path       bytea NOT NULL CHECK (get_byte(path, 0) = 47 AND position('\x00'::bytea IN path) = 0),
    -- The directory's name below mirror/, unique in the cluster.
    name       text NOT NULL UNIQUE CHECK (name <> '' AND name NOT IN ('.', '..') AND strpos(name, '/') = 0),
    -- st_dev when it was added: another one means that a disk is missing or was swapped.
    device     bigint NOT NULL,
    -- 'missing' and 'suspect' roots keep their files: nothing is deleted before a full look at the real tree.
    state      root_state NOT NULL DEFAULT 'present',
    detail     text,
    added_at   timestamptz NOT NULL DEFAULT now(),
    -- Begin of the last scan that was completed; null while the first one runs.
    scanned_at timestamptz,
    -- Somebody wants a scan that begins after this moment.
    scan_wanted_at timestamptz,
    -- A person has confirmed that the files which a suspect root lacks are to be forgotten.
    may_delete boolean NOT NULL DEFAULT false,
    UNIQUE (host_id, path)
);

-- One distinct content. Files with the same bytes share it, on whatever host they are, as long as their names do
-- not make them out to be of another kind: as Markdown, bytes have other chunks than as source code.
CREATE TABLE contents (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest      bytea NOT NULL CHECK (length(digest) = 16),
    -- Another version of the extractor reads the same bytes anew.
    extractor   smallint NOT NULL,
    -- What the bytes were taken to be before they were read.
    kind        text NOT NULL,
    size        bigint NOT NULL,
    mime_type   text NOT NULL,
    title       text,
    author      text,
    language    text,
    -- Why there is no text; null for a content with chunks.
    reason      text,
    detail      text,
    -- Since when no file has it: it is kept a while, so that a move between two scans costs nothing.
    orphaned_at timestamptz,
    created_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (digest, extractor, kind)
);
CREATE INDEX contents_orphaned ON contents (orphaned_at) WHERE orphaned_at IS NOT NULL;

-- A path under a root, and where it stands in the pipeline.
CREATE TABLE files (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    root_id    integer NOT NULL REFERENCES roots ON DELETE CASCADE,
    -- Relative to the root, without a leading slash.
    path       bytea NOT NULL CHECK (length(path) > 0),
    -- The same for people and for filters: undecodable bytes replaced.
    display    text NOT NULL,
    -- Lower case, without the dot; empty when there is none.
    extension  text NOT NULL,
    size       bigint NOT NULL,
    mtime_ns   bigint NOT NULL,
    ctime_ns   bigint NOT NULL,
    -- The bits of an unsigned number.
    ino        bigint NOT NULL,
    mode       integer NOT NULL,
    uid        bigint NOT NULL,
    gid        bigint NOT NULL,
    state      file_state NOT NULL DEFAULT 'pending',
    reason     text,
    detail     text,
    -- 0: found by a scan. 1: a person just saved it.
    priority   smallint NOT NULL DEFAULT 0,
    -- Claims since the last change of the file; counted before any parser sees it.
    attempts   smallint NOT NULL DEFAULT 0,
    lease      bigint,
    leased_by  text,
    leased_until timestamptz,
    -- The content that searches see; stays in place while a newer one is being read.
    content_id bigint REFERENCES contents,
    changed_at timestamptz NOT NULL DEFAULT now(),
    indexed_at timestamptz,
    UNIQUE (root_id, path),
    CHECK (state <> 'indexed' OR content_id IS NOT NULL),
    CHECK ((state IN ('skipped', 'failed')) = (reason IS NOT NULL))
);
CREATE INDEX files_content ON files (content_id);
-- In the order in which work is claimed: what a person waits for first, what crashed before last.
CREATE INDEX files_backlog ON files (root_id, priority DESC, attempts, id) WHERE state = 'pending';
CREATE INDEX files_reason ON files (reason) WHERE reason IS NOT NULL;
CREATE INDEX files_leased ON files (leased_by) WHERE lease IS NOT NULL;

-- One distinct piece of text.
CREATE TABLE chunks (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest bytea NOT NULL UNIQUE CHECK (length(digest) = 16),
    text   text NOT NULL,
    tokens integer NOT NULL,
    words  tsvector NOT NULL
);
CREATE INDEX chunks_words ON chunks USING gin (words);

-- Where a chunk stands in a content. Lines and pages count from 1.
CREATE TABLE content_chunks (
    content_id bigint NOT NULL REFERENCES contents ON DELETE CASCADE,
    ordinal    integer NOT NULL,
    chunk_id   bigint NOT NULL REFERENCES chunks,
    first_line integer NOT NULL,
    last_line  integer NOT NULL,
    page       integer,
    PRIMARY KEY (content_id, ordinal)
);
CREATE INDEX content_chunks_chunk ON content_chunks (chunk_id);

-- A model that the index has, or had, or is getting vectors of. At most one is active: searches use it.
CREATE TABLE models (
    id           smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL,
    precision    text NOT NULL,
    dimension    integer NOT NULL CHECK (dimension BETWEEN 1 AND 4000),
    max_tokens   integer NOT NULL,
    query_prefix text NOT NULL DEFAULT '',
    floor        real NOT NULL DEFAULT 0,
    ceiling      real NOT NULL DEFAULT 1,
    state        model_state NOT NULL,
    -- When it came into its state. A retired model's vectors are kept for a while, for the way back.
    changed_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (name, precision)
);
CREATE UNIQUE INDEX models_one_active ON models (state) WHERE state = 'active';
CREATE UNIQUE INDEX models_one_building ON models (state) WHERE state = 'building';

-- A chunk under a model: first the work still to be done, then the vector. One partition a model, made with it,
-- so that a vector scan reads one model's dense pages and a model is dropped without a scan.
-- A row is updated when claimed, while its vector is null, and once more with the vector; never again.
CREATE TABLE embeddings (
    model_id     smallint NOT NULL REFERENCES models,
    chunk_id     bigint NOT NULL,
    state        embedding_state NOT NULL DEFAULT 'pending',
    priority     smallint NOT NULL DEFAULT 0,
    attempts     smallint NOT NULL DEFAULT 0,
    lease        bigint,
    leased_until timestamptz,
    leased_by    text,
    reason       text,
    vector       halfvec,
    PRIMARY KEY (model_id, chunk_id),
    CHECK ((state = 'done') = (vector IS NOT NULL))
) PARTITION BY LIST (model_id);
CREATE INDEX embeddings_backlog ON embeddings (model_id, priority DESC, attempts, chunk_id) WHERE state = 'pending';
CREATE INDEX embeddings_leased ON embeddings (leased_by) WHERE lease IS NOT NULL;

-- A worker that answered an agent a moment ago.
CREATE TABLE workers (
    name    text PRIMARY KEY,
    host    text NOT NULL,
    -- 'extract' or 'embed'.
    kind    text NOT NULL,
    pid     integer NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now()
);

-- A mount that is up; its node says so every few seconds, and removes the row when it unmounts.
CREATE TABLE mounts (
    host    text NOT NULL,
    path    bytea NOT NULL,
    pid     integer NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (host, path)
);

-- Facts about the index as a whole.
CREATE TABLE meta (
    key   text PRIMARY KEY,
    value text NOT NULL
);
