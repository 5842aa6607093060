-- +goose Up
-- the directory that the upload's file is in, or was last
ALTER TABLE uploads ADD COLUMN dir BIGINT NOT NULL DEFAULT 0;
UPDATE uploads SET dir = COALESCE((SELECT parent FROM entries WHERE entries.id = uploads.entry), 0);
CREATE INDEX uploads_recent ON uploads (destination, state, changed, id);
CREATE INDEX uploads_dir ON uploads (dir, changed, id);
-- removed directories that uploads name, and the directory that each one's removal
-- left; see within
CREATE TABLE gone (dir BIGINT NOT NULL PRIMARY KEY, parent BIGINT NOT NULL);
CREATE INDEX gone_parent ON gone (parent);
CREATE INDEX entries_dirs ON entries (parent, key) WHERE dir = 1;
-- up to which upload the search's words and the tallies go; see words.go
CREATE TABLE indexed (one BIGINT NOT NULL PRIMARY KEY, upload BIGINT NOT NULL);
INSERT INTO indexed VALUES (1, 0);
-- how many of these there are by directory; the trigger follows them
CREATE TABLE tallies (
    dir         BIGINT NOT NULL,
    destination TEXT    NOT NULL,
    state       TEXT    NOT NULL,
    n           BIGINT NOT NULL,
    PRIMARY KEY (dir, destination, state)
);
-- +goose StatementBegin
CREATE FUNCTION uploads_tally() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.id <= (SELECT upload FROM indexed) THEN
        UPDATE tallies SET n = n - 1 WHERE dir = OLD.dir AND destination = OLD.destination AND state = OLD.state;
        INSERT INTO tallies VALUES (NEW.dir, NEW.destination, NEW.state, 1)
            ON CONFLICT (dir, destination, state) DO UPDATE SET n = tallies.n + 1;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER uploads_tally AFTER UPDATE OF dir, state ON uploads FOR EACH ROW
    WHEN (OLD.state <> NEW.state OR OLD.dir <> NEW.dir) EXECUTE FUNCTION uploads_tally();
-- words of the names of files (by id) and of directories (by id, negative), for the
-- search; see words.go
CREATE TABLE words (word TEXT COLLATE "C" NOT NULL, id BIGINT NOT NULL, PRIMARY KEY (word, id));
-- those that too many names have for the rows of words to be of use
CREATE TABLE common_words (word TEXT COLLATE "C" NOT NULL PRIMARY KEY);
-- names that are others since their words were written
CREATE TABLE renamed (id BIGINT NOT NULL PRIMARY KEY);
-- requests that did not end well, for a destination's last
CREATE INDEX attempts_bad ON attempts (host, started) WHERE error <> '';
