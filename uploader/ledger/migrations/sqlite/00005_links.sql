-- +goose Up
-- files with links to pictures, by their entry; written in the transaction that names them
CREATE TABLE links (
    entry   INTEGER NOT NULL PRIMARY KEY,
    dir     INTEGER NOT NULL,                   -- the folder that it is in
    sha256  BLOB NOT NULL,
    state   TEXT NOT NULL,                     -- settling: to be read; done; failed; plain: it holds no links
    error   TEXT NOT NULL DEFAULT '',
    remedy  TEXT NOT NULL DEFAULT '',
    tries   INTEGER NOT NULL DEFAULT 0,
    due     INTEGER NOT NULL,
    changed INTEGER NOT NULL
);
CREATE INDEX links_due ON links (state, due);
CREATE INDEX links_dir ON links (dir);

-- the links in them. They outlive their file: the same link again is known by them
CREATE TABLE linked (
    id      INTEGER NOT NULL PRIMARY KEY,
    entry   INTEGER NOT NULL,                   -- of the file with the link
    url     TEXT NOT NULL,                     -- at most 2048 bytes
    ord     INTEGER NOT NULL,                   -- its place in the file, from 1
    state   TEXT NOT NULL,                     -- settling: to be fetched; done; skipped; failed; dropped: not owed any more
    error   TEXT NOT NULL DEFAULT '',
    remedy  TEXT NOT NULL DEFAULT '',
    tries   INTEGER NOT NULL DEFAULT 0,
    due     INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    picture INTEGER NOT NULL DEFAULT 0,         -- the entry that was made of it
    sha256  BLOB                             -- of its bytes
);
CREATE UNIQUE INDEX linked_once ON linked (entry, url);
CREATE INDEX linked_due ON linked (state, due);
CREATE INDEX linked_url ON linked (url);
CREATE INDEX hosted_url ON hosted (url) WHERE url <> '';
