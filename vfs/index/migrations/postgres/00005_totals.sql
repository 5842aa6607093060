-- +goose Up
-- the sum of the sizes of the files at and below some directories: those whose sum
-- somebody asked for; each change of a size changes it
CREATE TABLE totals (
    entry BIGINT NOT NULL PRIMARY KEY REFERENCES entries (id) ON DELETE CASCADE,
    bytes BIGINT NOT NULL
);
