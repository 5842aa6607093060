-- +goose Up
-- how what the last complete body carried differs from the file's bytes, as
-- hosted.prepared: of use while its reply is missing
ALTER TABLE uploads ADD COLUMN sent_as TEXT NOT NULL DEFAULT '';
-- a person wants it sent although a reply is missing
ALTER TABLE uploads ADD COLUMN again BIGINT NOT NULL DEFAULT 0;
-- the host had it before it was sent from here
ALTER TABLE hosted ADD COLUMN existing BIGINT NOT NULL DEFAULT 0;
