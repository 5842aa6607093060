-- +goose Up
-- the directory that the upload's file is in, or was last
ALTER TABLE uploads ADD COLUMN dir INTEGER NOT NULL DEFAULT 0;
UPDATE uploads SET dir = COALESCE((SELECT parent FROM entries WHERE entries.id = uploads.entry), 0);
CREATE INDEX uploads_recent ON uploads (destination, state, changed);
CREATE INDEX uploads_dir ON uploads (dir, changed);
-- removed directories that uploads name, and the directory that each one's removal
-- left; see within
CREATE TABLE gone (dir INTEGER NOT NULL PRIMARY KEY, parent INTEGER NOT NULL);
CREATE INDEX gone_parent ON gone (parent);
CREATE INDEX entries_dirs ON entries (parent, key) WHERE dir = 1;
-- up to which upload the search's words and the tallies go; see words.go
CREATE TABLE indexed (one INTEGER NOT NULL PRIMARY KEY, upload INTEGER NOT NULL);
INSERT INTO indexed VALUES (1, 0);
-- how many of these there are by directory; the trigger follows them
CREATE TABLE tallies (
    dir         INTEGER NOT NULL,
    destination TEXT    NOT NULL,
    state       TEXT    NOT NULL,
    n           INTEGER NOT NULL,
    PRIMARY KEY (dir, destination, state)
) WITHOUT ROWID;
-- +goose StatementBegin
CREATE TRIGGER uploads_tally AFTER UPDATE OF dir, state ON uploads
    WHEN (OLD.state <> NEW.state OR OLD.dir <> NEW.dir) AND OLD.id <= (SELECT upload FROM indexed) BEGIN
    UPDATE tallies SET n = n - 1 WHERE dir = OLD.dir AND destination = OLD.destination AND state = OLD.state;
    INSERT INTO tallies VALUES (NEW.dir, NEW.destination, NEW.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
-- +goose StatementEnd
-- words of the names of files (by id) and of directories (by id, negative), for the
-- search; see words.go
CREATE TABLE words (word TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (word, id)) WITHOUT ROWID;
-- those that too many names have for the rows of words to be of use
CREATE TABLE common_words (word TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;
-- names that are others since their words were written
CREATE TABLE renamed (id INTEGER NOT NULL PRIMARY KEY);
-- requests that did not end well, for a destination's last
CREATE INDEX attempts_bad ON attempts (host, started) WHERE error <> '';
