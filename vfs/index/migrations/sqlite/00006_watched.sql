-- +goose Up
-- what is remembered of the files of watched folders; the names are bytes as the
-- disk has them, in whatever encoding
CREATE TABLE watched_folders (
    id   INTEGER NOT NULL PRIMARY KEY,
    name BLOB NOT NULL UNIQUE
);
CREATE TABLE watched (
    folder   INTEGER NOT NULL REFERENCES watched_folders (id),
    path     BLOB NOT NULL, -- from the folder, with a slash before it
    dir      BLOB NOT NULL, -- the part of path that ends with its last slash
    device   INTEGER NOT NULL, -- the bits of a uint64; so is inode
    inode    INTEGER NOT NULL,
    size     INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    changed  INTEGER NOT NULL,
    sha256   BLOB NOT NULL,
    entry    INTEGER NOT NULL, -- no foreign key: what became of the file is known beyond it
    state    TEXT    NOT NULL,
    since    INTEGER NOT NULL,
    done     INTEGER NOT NULL,
    beside   BLOB,          -- see index.encodeBeside; NULL: none
    PRIMARY KEY (folder, path)
);
CREATE INDEX watched_dir ON watched (folder, dir, state);
CREATE INDEX watched_inode ON watched (folder, device, inode);
CREATE INDEX watched_sum ON watched (folder, sha256);
CREATE INDEX watched_entry ON watched (folder, entry);
CREATE INDEX watched_open ON watched (folder, path) WHERE done = 0;
