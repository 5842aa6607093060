-- +goose Up
-- secrets that people and programs sign in with in place of a password
CREATE TABLE tokens (
    id      TEXT   NOT NULL PRIMARY KEY,
    holder  TEXT   NOT NULL, -- the user's name
    kind    TEXT   NOT NULL,
    name    TEXT   NOT NULL, -- that people gave it
    sum     BYTEA   NOT NULL, -- SHA-256 of the secret
    account BYTEA   NOT NULL, -- what ties it to the account as it was; empty: nothing does
    rights  TEXT   NOT NULL, -- '': the user's
    folder  TEXT   NOT NULL, -- where its uploads go; '': where the user's do
    origin  TEXT   NOT NULL, -- the address that it was last used from
    created BIGINT NOT NULL,
    used    BIGINT NOT NULL, -- 0: never
    expires BIGINT NOT NULL  -- 0: never
);
CREATE UNIQUE INDEX tokens_sum ON tokens (sum);
CREATE INDEX tokens_holder ON tokens (holder, created);
