-- +goose Up
-- when the bytes in the store were last stored or read; NULL: none are kept there
ALTER TABLE blobs ADD COLUMN used INTEGER;
-- before when it is of no use to look whether they may go, and why they may not
ALTER TABLE blobs ADD COLUMN look INTEGER NOT NULL DEFAULT 0;
ALTER TABLE blobs ADD COLUMN stays TEXT NOT NULL DEFAULT '';
UPDATE blobs SET used = created WHERE bytes IS NULL
    AND NOT EXISTS (SELECT 1 FROM released r WHERE r.ref = blobs.ref AND r.stage <> 'waiting');
CREATE INDEX blobs_used ON blobs (used, ref, look, size) WHERE used IS NOT NULL;
-- the picture at a host that was proven to have the bytes; 0: the file at place was
ALTER TABLE released ADD COLUMN hosted INTEGER NOT NULL DEFAULT 0;
-- the settings that look was reckoned by
CREATE TABLE keeping (one INTEGER NOT NULL PRIMARY KEY, settings TEXT NOT NULL);
INSERT INTO keeping VALUES (1, '');
