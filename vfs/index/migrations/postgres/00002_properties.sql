-- +goose Up
ALTER TABLE entries ADD COLUMN checksums TEXT NOT NULL DEFAULT '';
-- dead properties (RFC 4918 §4); found and removed by the key's prefix
CREATE TABLE properties (
    entry BIGINT NOT NULL REFERENCES entries (id) ON DELETE CASCADE,
    space TEXT   NOT NULL, -- the namespace of the name
    name  TEXT   NOT NULL,
    value TEXT   NOT NULL, -- the whole element
    PRIMARY KEY (entry, space, name)
);
