-- A file that is written all the time is read after a pause, which grows while that goes on. When the last reading whose
-- outcome was stored began, by the clock that sets `changed_at`: null before the first one. A wait for the index ends for
-- a file that keeps changing once it was read after the wait began.
ALTER TABLE files
    ADD COLUMN read_at timestamptz,
    -- Seconds after that reading in which the file is not read again.
    ADD COLUMN pause_s real NOT NULL DEFAULT 0;
