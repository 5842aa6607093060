-- +goose Up
-- how the bytes that the host got differ from the file's; '': not
ALTER TABLE hosted ADD COLUMN prepared TEXT NOT NULL DEFAULT '';
-- what has become of it, or may any time: see uploader.Hosted; '': it is as it was
ALTER TABLE hosted ADD COLUMN fate TEXT NOT NULL DEFAULT '';
-- the upload whose bytes take its place, while fate says so
ALTER TABLE hosted ADD COLUMN replacer INTEGER NOT NULL DEFAULT 0;
CREATE INDEX hosted_replacer ON hosted (replacer) WHERE fate = 'replacing';
-- one picture at a host may be several rows, where different bytes are the same to it
CREATE INDEX hosted_same ON hosted (host, remote);
-- where it was done, its route lets the pictures of earlier bytes be deleted
ALTER TABLE uploads ADD COLUMN delete_old INTEGER NOT NULL DEFAULT 0;
CREATE INDEX uploads_settling ON uploads (host, sha256) WHERE state = 'settling';

-- pictures to be deleted at their host, and the record of those that were
CREATE TABLE deletions (
    id          INTEGER NOT NULL PRIMARY KEY,
    hosted      INTEGER NOT NULL REFERENCES hosted (id),
    host        TEXT    NOT NULL,
    destination TEXT    NOT NULL,
    sha256      BLOB    NOT NULL,
    entry       INTEGER NOT NULL, -- whose picture it was
    path        TEXT    NOT NULL, -- of that, as last known
    why         TEXT    NOT NULL,
    state       TEXT    NOT NULL,
    brake       INTEGER NOT NULL DEFAULT 0, -- that it waits for
    asked       INTEGER NOT NULL DEFAULT 0, -- a person let it go on
    error       TEXT    NOT NULL DEFAULT '',
    remedy      TEXT    NOT NULL DEFAULT '',
    tries       INTEGER NOT NULL DEFAULT 0,
    attempt     INTEGER NOT NULL DEFAULT 0, -- number of the last claim
    owner       TEXT    NOT NULL DEFAULT '', -- the process that has it in hand
    due         INTEGER NOT NULL, -- of one in hand, when its claim ends
    created     INTEGER NOT NULL,
    changed     INTEGER NOT NULL,
    finished    INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX deletions_open ON deletions (hosted) WHERE state IN ('waiting', 'paused', 'deleting');
CREATE INDEX deletions_due ON deletions (destination, state, due);
CREATE INDEX deletions_held ON deletions (owner) WHERE state = 'deleting';
CREATE INDEX deletions_path ON deletions (path);
CREATE INDEX deletions_waiting ON deletions (path) WHERE state = 'waiting';
CREATE INDEX deletions_entry ON deletions (entry);
CREATE INDEX deletions_brake ON deletions (brake) WHERE state = 'paused';

-- folders of which more was removed at once than goes without a question
CREATE TABLE brakes (
    id     INTEGER NOT NULL PRIMARY KEY,
    folder TEXT    NOT NULL,
    since  INTEGER NOT NULL,
    ended  INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX brakes_stand ON brakes (folder) WHERE ended = 0;
-- deletions recorded lately at and below a folder, by spans of time
CREATE TABLE ebbs (
    folder TEXT    NOT NULL,
    at     INTEGER NOT NULL, -- when the span begins
    first  INTEGER NOT NULL, -- when the first of them was recorded
    n      INTEGER NOT NULL,
    PRIMARY KEY (folder, at)
);
CREATE INDEX ebbs_at ON ebbs (at);
-- all of them by folder, and how many there must be before it is counted again
-- whether they are too many
CREATE TABLE ebbed (folder TEXT    NOT NULL PRIMARY KEY, n INTEGER NOT NULL, look INTEGER NOT NULL);
