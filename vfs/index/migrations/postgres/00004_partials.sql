-- +goose Up
-- what is kept of uploads that were cut; the bytes are in the blob store
CREATE TABLE partials (
    owner TEXT NOT NULL,
    key   TEXT COLLATE "C" NOT NULL, -- the path in normal form C
    ref   TEXT NOT NULL,
    size  BIGINT NOT NULL,
    cut   BIGINT NOT NULL,
    onto  BIGINT NOT NULL, -- the entry on a copy of whose bytes it began; 0: none
    PRIMARY KEY (owner, key)
);
CREATE UNIQUE INDEX partials_ref ON partials (ref);
CREATE INDEX partials_cut ON partials (cut);
