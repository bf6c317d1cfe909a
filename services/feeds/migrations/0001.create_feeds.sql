-- Addresses that facts are carried to. The secrets sign: they cannot be hashed.
CREATE TABLE webhooks (
    name              text        CONSTRAINT webhooks_name PRIMARY KEY,
    url               text        NOT NULL,
    topics            text[]      NOT NULL,
    owner             text        NOT NULL,
    state             text        NOT NULL,
    notice            text        NOT NULL DEFAULT '',
    secret            text        NOT NULL,
    secret_before     text,
    secret_changed_at timestamptz,
    create_time       timestamptz NOT NULL
);
CREATE INDEX webhooks_by_topic ON webhooks USING gin (topics);

-- One row per fact and webhook, with the very bytes that are sent in every attempt.
CREATE TABLE deliveries (
    number      bigint      GENERATED ALWAYS AS IDENTITY CONSTRAINT deliveries_number PRIMARY KEY,
    webhook     text        NOT NULL REFERENCES webhooks (name) ON DELETE CASCADE,
    message_id  uuid        NOT NULL,
    type        text        NOT NULL,
    topic       text        NOT NULL,
    key         text        NOT NULL,
    body        bytea       NOT NULL,
    state       text        NOT NULL,
    attempts    integer     NOT NULL DEFAULT 0,
    last_status integer     NOT NULL DEFAULT 0,
    last_error  text        NOT NULL DEFAULT '',
    create_time timestamptz NOT NULL,
    next_time   timestamptz,
    CONSTRAINT deliveries_once UNIQUE (webhook, message_id)
);
CREATE INDEX deliveries_due ON deliveries (next_time) WHERE state = 'WAITING';
CREATE INDEX deliveries_by_webhook ON deliveries (webhook, number);
CREATE INDEX deliveries_by_key ON deliveries (topic, key);

-- Who follows whose events. What opens a calendar is kept as its SHA-256 only.
CREATE TABLE calendars (
    name        text        CONSTRAINT calendars_name PRIMARY KEY,
    subject     text        NOT NULL,
    owner       text        NOT NULL,
    token_hash  bytea       NOT NULL CONSTRAINT calendars_token UNIQUE,
    create_time timestamptz NOT NULL
);

-- Events as calendars show them, from facts.
CREATE TABLE calendar_events (
    event      text        CONSTRAINT calendar_events_name PRIMARY KEY,
    version    bigint      NOT NULL,
    cancelled  boolean     NOT NULL,
    title      text        NOT NULL,
    start_at   timestamptz NOT NULL,
    end_at     timestamptz NOT NULL,
    venue      text        NOT NULL,
    team       text[]      NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE INDEX calendar_events_by_venue ON calendar_events (venue);

-- Who is, or was, on an event's team: whoever left it is shown that.
CREATE TABLE calendar_members (
    event  text    NOT NULL REFERENCES calendar_events (event),
    expert text    NOT NULL,
    gone   boolean NOT NULL,
    CONSTRAINT calendar_members_one PRIMARY KEY (event, expert)
);
CREATE INDEX calendar_members_by_expert ON calendar_members (expert);

-- What people call experts and venues, from facts.
CREATE TABLE calendar_subjects (
    name         text   CONSTRAINT calendar_subjects_name PRIMARY KEY,
    display_name text   NOT NULL,
    node_path    text[] NOT NULL
);
