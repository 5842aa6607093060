-- +goose Up
CREATE TABLE blobs (
    ref     TEXT    NOT NULL PRIMARY KEY,
    size    BIGINT NOT NULL,
    sha256  BYTEA NOT NULL,
    bytes   BYTEA,              -- NULL: in the blob store
    created BIGINT NOT NULL
);
CREATE TABLE entries (
    id       BIGINT NOT NULL PRIMARY KEY,
    parent   BIGINT REFERENCES entries (id),
    name     TEXT    NOT NULL,
    key      TEXT COLLATE "C" NOT NULL, -- the name in normal form C
    dir      BIGINT NOT NULL,
    blob     TEXT    REFERENCES blobs (ref),
    inline   BIGINT NOT NULL,
    size     BIGINT NOT NULL,
    sha256   BYTEA,
    type     TEXT    NOT NULL,
    modified BIGINT NOT NULL,
    created  BIGINT NOT NULL
);
CREATE UNIQUE INDEX entries_name ON entries (parent, key);
CREATE INDEX entries_blob ON entries (blob) WHERE blob IS NOT NULL;
CREATE TABLE counters (name TEXT NOT NULL PRIMARY KEY, value BIGINT NOT NULL);
-- blobs that lost a reference: the collector tries to delete their rows
CREATE TABLE garbage (ref TEXT NOT NULL PRIMARY KEY, since BIGINT NOT NULL);
-- blobs whose rows are gone and whose bytes go after the grace time
CREATE TABLE trash (ref TEXT NOT NULL PRIMARY KEY, since BIGINT NOT NULL);
-- the directory of bytes that the names stand for; see Bind
CREATE TABLE store (one BIGINT NOT NULL PRIMARY KEY, id TEXT NOT NULL);
INSERT INTO counters VALUES ('entry', 1);
INSERT INTO entries VALUES (1, NULL, '', '', 1, NULL, 0, 0, NULL, '', 0, 0);
