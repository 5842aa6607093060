-- +goose Up
-- blobs whose bytes are let go here: a file outside has them too
CREATE TABLE released (
    ref       TEXT NOT NULL PRIMARY KEY REFERENCES blobs (ref) ON DELETE CASCADE,
    sha256    BYTEA NOT NULL,
    since     BIGINT NOT NULL,
    stage     TEXT NOT NULL, -- waiting: they are here still; going: they may be; gone
    place     BYTEA NOT NULL, -- the file that was proven to have them
    successor TEXT REFERENCES blobs (ref) -- the bytes came again, as this blob; NULL: no
);
CREATE INDEX released_sum ON released (sha256);
CREATE INDEX released_successor ON released (successor) WHERE successor IS NOT NULL;
CREATE INDEX released_stage ON released (stage, since) WHERE stage <> 'gone';
