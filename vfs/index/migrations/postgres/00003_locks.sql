-- +goose Up
-- WebDAV write locks
CREATE TABLE locks (
    token   TEXT    NOT NULL PRIMARY KEY,
    root    TEXT    NOT NULL, -- the path, its names in normal form C
    deep    BIGINT NOT NULL,
    shared  BIGINT NOT NULL,
    owner   TEXT    NOT NULL, -- XML by which the client describes itself
    holder  TEXT    NOT NULL, -- the user's name
    timeout BIGINT NOT NULL, -- nanoseconds
    expires BIGINT NOT NULL
);
