-- +goose Up
-- pictures at hosts
CREATE TABLE hosted (
    id            INTEGER NOT NULL PRIMARY KEY,
    host          TEXT    NOT NULL,
    destination   TEXT    NOT NULL,
    sha256        BLOB    NOT NULL, -- of the entry's bytes, whatever was altered for the host
    remote        TEXT    NOT NULL, -- the host's id
    url           TEXT    NOT NULL, -- '': awaiting, or the reply with it was lost
    viewer_url    TEXT    NOT NULL,
    thumbnail_url TEXT    NOT NULL,
    delete_url    TEXT    NOT NULL, -- a secret: whoever opens it deletes the picture
    identical     INTEGER NOT NULL,
    awaiting      INTEGER NOT NULL,
    album         TEXT    NOT NULL,
    category      TEXT    NOT NULL,
    created       INTEGER NOT NULL,
    expires       INTEGER NOT NULL, -- 0: never
    deleted       INTEGER NOT NULL, -- 0: not by us
    blob          TEXT REFERENCES blobs (ref), -- where we serve it ourselves
    inline        INTEGER NOT NULL,
    size          INTEGER NOT NULL,
    type          TEXT    NOT NULL
);
CREATE INDEX hosted_sum ON hosted (host, sha256);
CREATE INDEX hosted_remote ON hosted (remote) WHERE blob IS NOT NULL;
CREATE INDEX hosted_blob ON hosted (blob) WHERE blob IS NOT NULL;

-- certain bytes of one entry owed to one destination
CREATE TABLE uploads (
    id          INTEGER NOT NULL PRIMARY KEY,
    key         TEXT    NOT NULL,
    entry       INTEGER NOT NULL, -- no foreign key: rows outlive their entry
    destination TEXT    NOT NULL,
    host        TEXT    NOT NULL,
    sha256      BLOB    NOT NULL,
    blob        TEXT REFERENCES blobs (ref), -- NULL: nothing is owed any more
    inline      INTEGER NOT NULL,
    size        INTEGER NOT NULL,
    type        TEXT    NOT NULL,
    path        TEXT    NOT NULL, -- as last known
    ord         INTEGER NOT NULL,
    state       TEXT    NOT NULL,
    reason      TEXT    NOT NULL DEFAULT '',
    error       TEXT    NOT NULL DEFAULT '',
    remedy      TEXT    NOT NULL DEFAULT '',
    notes       TEXT    NOT NULL DEFAULT '', -- one a line
    attempts    INTEGER NOT NULL DEFAULT 0,  -- requests made
    tries       INTEGER NOT NULL DEFAULT 0,  -- failures since the last fresh start
    unusual     INTEGER NOT NULL DEFAULT 0,
    copy        INTEGER NOT NULL DEFAULT 0,
    released    INTEGER NOT NULL DEFAULT 0,
    attempt     INTEGER NOT NULL DEFAULT 0,  -- number of the last claim
    owner       TEXT    NOT NULL DEFAULT '', -- the process that claimed it
    lease       INTEGER NOT NULL DEFAULT 0,
    body        INTEGER NOT NULL DEFAULT 0,  -- since when the present attempt's may be complete
    leaving     TEXT    NOT NULL DEFAULT '', -- while sending: the reason to end it if it fails
    lost        INTEGER NOT NULL DEFAULT 0,  -- since when a reply is missing
    due         INTEGER NOT NULL,
    created     INTEGER NOT NULL,
    changed     INTEGER NOT NULL,  -- when anything that people see of it did
    since       INTEGER NOT NULL,  -- since when the file has been changing without being sent
    sent        INTEGER NOT NULL DEFAULT 0,
    finished    INTEGER NOT NULL DEFAULT 0,
    album       TEXT    NOT NULL DEFAULT '',
    category    TEXT    NOT NULL DEFAULT '',
    hosted      INTEGER REFERENCES hosted (id)
);
CREATE UNIQUE INDEX uploads_owed ON uploads (entry, destination, sha256);
CREATE INDEX uploads_due ON uploads (destination, state, due);
CREATE UNIQUE INDEX uploads_flight ON uploads (host, sha256) WHERE state IN ('sending', 'ambiguous');
CREATE INDEX uploads_parked ON uploads (host, sha256, destination) WHERE reason = 'same-bytes';
CREATE INDEX uploads_blob ON uploads (blob) WHERE blob IS NOT NULL;
CREATE INDEX uploads_hosted ON uploads (hosted) WHERE hosted IS NOT NULL;

-- the requests made: history, and what a host's windows are counted from
CREATE TABLE attempts (
    upload  INTEGER NOT NULL,
    number  INTEGER NOT NULL,
    host    TEXT    NOT NULL,
    started INTEGER NOT NULL,
    ended   INTEGER NOT NULL DEFAULT 0,
    outcome TEXT    NOT NULL DEFAULT '',
    error   TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (upload, number)
);
CREATE INDEX attempts_window ON attempts (host, started);

CREATE TABLE destinations (
    name    TEXT    NOT NULL PRIMARY KEY,
    paused  INTEGER NOT NULL DEFAULT 0, -- since when; 0: not
    reason  TEXT    NOT NULL DEFAULT '',
    error   TEXT    NOT NULL DEFAULT '',
    remedy  TEXT    NOT NULL DEFAULT '',
    probe   INTEGER NOT NULL DEFAULT 0, -- when next; 0: never by itself
    probes  INTEGER NOT NULL DEFAULT 0,
    resumed INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE hosts (
    name   TEXT    NOT NULL PRIMARY KEY,
    until  INTEGER NOT NULL,            -- nothing is sent there before
    reason TEXT    NOT NULL
);
-- directories whose files' rows are still to follow a move or copy
CREATE TABLE reroutes (
    id   INTEGER NOT NULL PRIMARY KEY,
    dir  INTEGER NOT NULL,
    done TEXT    NOT NULL DEFAULT ''    -- children up to this key are dealt with
);
