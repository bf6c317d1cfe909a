-- The answers already given, by the request ids callers chose (AIP-155).
CREATE TABLE idempotency (
    principal  text        NOT NULL,
    request_id text        NOT NULL,
    method     text        NOT NULL,
    body_hash  bytea       NOT NULL,
    response   bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_once PRIMARY KEY (principal, request_id)
);
CREATE INDEX idempotency_by_age ON idempotency (created_at);
