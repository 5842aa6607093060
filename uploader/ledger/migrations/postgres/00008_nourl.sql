-- +goose Up
-- those that are done without a URL, the last first
CREATE INDEX uploads_nourl ON uploads (changed, id) WHERE reason = 'no-url';
