-- +goose Up
-- what is remembered of the files of watched folders; the names are bytes as the
-- disk has them, in whatever encoding
CREATE TABLE watched_folders (
    id   BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name BYTEA NOT NULL UNIQUE
);
CREATE TABLE watched (
    folder   BIGINT NOT NULL REFERENCES watched_folders (id),
    path     BYTEA NOT NULL, -- from the folder, with a slash before it
    dir      BYTEA NOT NULL, -- the part of path that ends with its last slash
    device   BIGINT NOT NULL, -- the bits of a uint64; so is inode
    inode    BIGINT NOT NULL,
    size     BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    changed  BIGINT NOT NULL,
    sha256   BYTEA NOT NULL,
    entry    BIGINT NOT NULL, -- no foreign key: what became of the file is known beyond it
    state    TEXT    NOT NULL,
    since    BIGINT NOT NULL,
    done     BIGINT NOT NULL,
    beside   BYTEA,          -- see index.encodeBeside; NULL: none
    PRIMARY KEY (folder, path)
);
CREATE INDEX watched_dir ON watched (folder, dir, state);
CREATE INDEX watched_inode ON watched (folder, device, inode);
CREATE INDEX watched_sum ON watched (folder, sha256);
CREATE INDEX watched_entry ON watched (folder, entry);
CREATE INDEX watched_open ON watched (folder, path) WHERE done = 0;
