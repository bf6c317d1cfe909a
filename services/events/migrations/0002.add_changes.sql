-- Changes that are asked for once a request cannot be edited any more; one at a time for each.
CREATE TABLE changes (
    request text        CONSTRAINT changes_one PRIMARY KEY
                        CONSTRAINT changes_of REFERENCES requests (name),
    fields  text[]      NOT NULL,
    body    jsonb       NOT NULL,
    reason  text        NOT NULL,
    by      text        NOT NULL,
    at      timestamptz NOT NULL
);
CREATE INDEX requests_by_filer ON requests (filed_by);
CREATE INDEX request_history_by_who ON request_history (by);
