-- +goose Up
CREATE TABLE blobs (
    ref     TEXT    NOT NULL PRIMARY KEY,
    size    INTEGER NOT NULL,
    sha256  BLOB    NOT NULL,
    bytes   BLOB,              -- NULL: in the blob store
    created INTEGER NOT NULL
);
CREATE TABLE entries (
    id       INTEGER NOT NULL PRIMARY KEY,
    parent   INTEGER REFERENCES entries (id),
    name     TEXT    NOT NULL,
    key      TEXT    NOT NULL, -- the name in normal form C
    dir      INTEGER NOT NULL,
    blob     TEXT    REFERENCES blobs (ref),
    inline   INTEGER NOT NULL,
    size     INTEGER NOT NULL,
    sha256   BLOB,
    type     TEXT    NOT NULL,
    modified INTEGER NOT NULL,
    created  INTEGER NOT NULL
);
CREATE UNIQUE INDEX entries_name ON entries (parent, key);
CREATE INDEX entries_blob ON entries (blob) WHERE blob IS NOT NULL;
CREATE TABLE counters (name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL);
-- blobs that lost a reference: the collector tries to delete their rows
CREATE TABLE garbage (ref TEXT NOT NULL PRIMARY KEY, since INTEGER NOT NULL);
-- blobs whose rows are gone and whose bytes go after the grace time
CREATE TABLE trash (ref TEXT NOT NULL PRIMARY KEY, since INTEGER NOT NULL);
-- the directory of bytes that the names stand for; see Bind
CREATE TABLE store (one INTEGER NOT NULL PRIMARY KEY, id TEXT NOT NULL);
INSERT INTO counters VALUES ('entry', 1);
INSERT INTO entries VALUES (1, NULL, '', '', 1, NULL, 0, 0, NULL, '', 0, 0);
