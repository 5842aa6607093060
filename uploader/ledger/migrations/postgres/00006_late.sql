-- +goose Up
-- owed by a replay: what comes in goes first
ALTER TABLE uploads ADD COLUMN late BIGINT NOT NULL DEFAULT 0;
DROP INDEX uploads_due;
CREATE INDEX uploads_due ON uploads (destination, state, late, due);
-- of those that wait for the same bytes, too
DROP INDEX uploads_parked;
CREATE INDEX uploads_parked ON uploads (host, sha256, destination, late) WHERE reason = 'same-bytes';
