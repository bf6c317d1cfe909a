CREATE TABLE nodes (
    name         text   CONSTRAINT nodes_name PRIMARY KEY,
    kind         text   NOT NULL,
    parent       text   NOT NULL,
    display_name text   NOT NULL,
    start_date   date   NOT NULL,
    end_date     date,
    version      bigint NOT NULL,
    body         jsonb  NOT NULL
);
CREATE INDEX nodes_by_parent ON nodes (parent, name);

CREATE TABLE venues (
    name         text   CONSTRAINT venues_name PRIMARY KEY,
    display_name text   NOT NULL,
    node_path    text[] NOT NULL,
    version      bigint NOT NULL,
    body         jsonb  NOT NULL
);
CREATE INDEX venues_by_node ON venues USING gin (node_path);

CREATE TABLE requests (
    name        text        CONSTRAINT requests_name PRIMARY KEY,
    state       text        NOT NULL,
    venue       text        NOT NULL CONSTRAINT requests_venue REFERENCES venues (name),
    node_path   text[]      NOT NULL,
    "group"     text        NOT NULL,
    round       text        NOT NULL,
    title       text        NOT NULL,
    filed_by    text        NOT NULL,
    create_time timestamptz NOT NULL,
    version     bigint      NOT NULL,
    body        jsonb       NOT NULL
);
CREATE INDEX requests_latest ON requests (create_time DESC, name DESC);
CREATE INDEX requests_by_node ON requests USING gin (node_path);
CREATE INDEX requests_by_venue ON requests (venue);
CREATE INDEX requests_by_round ON requests (round) WHERE round <> '';

-- The only table with personal data; nothing that is announced or logged reads it.
CREATE TABLE hosts (
    request    text CONSTRAINT hosts_one PRIMARY KEY
                    CONSTRAINT hosts_of REFERENCES requests (name),
    host       text NOT NULL,
    host_phone text NOT NULL,
    notes      text NOT NULL
);

CREATE TABLE request_history (
    position bigint      GENERATED ALWAYS AS IDENTITY CONSTRAINT request_history_position PRIMARY KEY,
    request  text        NOT NULL CONSTRAINT request_history_of REFERENCES requests (name),
    at       timestamptz NOT NULL,
    what     text        NOT NULL,
    by       text        NOT NULL,
    remark   text        NOT NULL
);
CREATE INDEX request_history_by_request ON request_history (request, position);

CREATE TABLE series (
    name  text  CONSTRAINT series_name PRIMARY KEY,
    venue text  NOT NULL CONSTRAINT series_venue REFERENCES venues (name),
    body  jsonb NOT NULL
);

CREATE TABLE events (
    name          text        CONSTRAINT events_name PRIMARY KEY,
    request       text        NOT NULL CONSTRAINT events_request REFERENCES requests (name),
    round         text        NOT NULL,
    venue         text        NOT NULL,
    state         text        NOT NULL,
    start_time    timestamptz NOT NULL,
    end_time      timestamptz NOT NULL,
    node_path     text[]      NOT NULL,
    experts       text[]      NOT NULL,
    check_in_code text        NOT NULL,
    version       bigint      NOT NULL,
    body          jsonb       NOT NULL
);
CREATE INDEX events_by_start ON events (start_time, name);
CREATE INDEX events_by_venue ON events (venue, start_time);
CREATE INDEX events_by_node ON events USING gin (node_path);
CREATE INDEX events_by_expert ON events USING gin (experts);

-- A published round becomes visible at once: its decisions wait here until all are there.
CREATE TABLE round_arrivals (
    round     text    CONSTRAINT round_arrivals_one PRIMARY KEY,
    decisions integer,
    shown     boolean NOT NULL DEFAULT false
);
CREATE TABLE staged_decisions (
    round   text   NOT NULL,
    request text   NOT NULL,
    version bigint NOT NULL,
    fact    bytea  NOT NULL,
    CONSTRAINT staged_decisions_once PRIMARY KEY (round, request)
);
