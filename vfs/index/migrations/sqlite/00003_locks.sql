-- +goose Up
-- WebDAV write locks
CREATE TABLE locks (
    token   TEXT    NOT NULL PRIMARY KEY,
    root    TEXT    NOT NULL, -- the path, its names in normal form C
    deep    INTEGER NOT NULL,
    shared  INTEGER NOT NULL,
    owner   TEXT    NOT NULL, -- XML by which the client describes itself
    holder  TEXT    NOT NULL, -- the user's name
    timeout INTEGER NOT NULL, -- nanoseconds
    expires INTEGER NOT NULL
);
