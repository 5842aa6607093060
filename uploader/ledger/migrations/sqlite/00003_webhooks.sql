-- +goose Up
-- messages that webhooks are owed, written in the transaction of what they tell of
CREATE TABLE webhooks (
    id       INTEGER NOT NULL PRIMARY KEY,
    webhook  TEXT    NOT NULL, -- its name in the configuration
    key      TEXT    NOT NULL, -- the message's own, the same at each attempt
    event    TEXT    NOT NULL,
    path     TEXT    NOT NULL,
    body     TEXT    NOT NULL,
    tries    INTEGER NOT NULL DEFAULT 0,
    created  INTEGER NOT NULL,
    due      INTEGER NOT NULL,
    given_up INTEGER NOT NULL DEFAULT 0, -- since when; 0: it waits
    error    TEXT    NOT NULL DEFAULT ''
);
CREATE INDEX webhooks_due ON webhooks (webhook, given_up, due);
CREATE INDEX webhooks_age ON webhooks (given_up, created);
