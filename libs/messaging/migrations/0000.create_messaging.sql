-- What is to be announced, in the transaction of its cause; kept after it was published, so that it can be replayed.
CREATE TABLE outbox (
    position     bigint      GENERATED ALWAYS AS IDENTITY CONSTRAINT outbox_position PRIMARY KEY,
    xid          xid8        NOT NULL DEFAULT pg_current_xact_id(),
    message_id   uuid        NOT NULL CONSTRAINT outbox_message_once UNIQUE,
    topic        text        NOT NULL,
    key          text        NOT NULL,
    type         text        NOT NULL,
    version      bigint      NOT NULL,
    occurred_at  timestamptz NOT NULL,
    payload      bytea,
    traceparent  text,
    published_at timestamptz
);
CREATE INDEX outbox_unpublished ON outbox (position) WHERE published_at IS NULL;
CREATE INDEX outbox_by_key ON outbox (topic, key, position);
CREATE INDEX outbox_by_time ON outbox (occurred_at);

-- What has had its effect already.
CREATE TABLE inbox (
    consumer    text        NOT NULL,
    message_id  uuid        NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT inbox_once PRIMARY KEY (consumer, message_id)
);
CREATE INDEX inbox_by_age ON inbox (received_at);

-- The newest version seen of each thing: older ones come too late to have an effect.
CREATE TABLE inbox_versions (
    consumer text   NOT NULL,
    topic    text   NOT NULL,
    key      text   NOT NULL,
    version  bigint NOT NULL,
    CONSTRAINT inbox_versions_one PRIMARY KEY (consumer, topic, key)
);
