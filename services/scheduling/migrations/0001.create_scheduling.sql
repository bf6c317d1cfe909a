-- What the other services announce, one document each: matching reads it, nobody else writes it.
CREATE TABLE experts (
    name    text   CONSTRAINT experts_name PRIMARY KEY,
    version bigint NOT NULL,
    body    jsonb  NOT NULL
);
CREATE TABLE pools (
    name    text   CONSTRAINT pools_name PRIMARY KEY,
    version bigint NOT NULL,
    body    jsonb  NOT NULL
);
CREATE TABLE nodes (
    name    text   CONSTRAINT nodes_name PRIMARY KEY,
    version bigint NOT NULL,
    body    jsonb  NOT NULL
);
CREATE TABLE venues (
    name    text   CONSTRAINT venues_name PRIMARY KEY,
    version bigint NOT NULL,
    body    jsonb  NOT NULL
);
CREATE TABLE requests (
    name      text   CONSTRAINT requests_name PRIMARY KEY,
    version   bigint NOT NULL,
    state     text   NOT NULL,
    node_path text[] NOT NULL,
    programme text   NOT NULL,
    body      jsonb  NOT NULL
);
CREATE INDEX requests_waiting ON requests (state);

CREATE TABLE rounds (
    name        text        CONSTRAINT rounds_name PRIMARY KEY,
    state       text        NOT NULL,
    scope       text[]      NOT NULL,
    create_time timestamptz NOT NULL,
    version     bigint      NOT NULL,
    body        jsonb       NOT NULL
);
CREATE INDEX rounds_latest ON rounds (create_time DESC, name DESC);

-- A request is in one running round at a time.
CREATE TABLE round_requests (
    round   text    NOT NULL CONSTRAINT round_requests_of REFERENCES rounds (name),
    request text    NOT NULL,
    running boolean NOT NULL,
    CONSTRAINT round_requests_once PRIMARY KEY (round, request)
);
CREATE UNIQUE INDEX round_requests_one_round ON round_requests (request) WHERE running;

-- Frozen inputs: what they were stays what they were.
CREATE TABLE snapshots (
    inputs_hash text  CONSTRAINT snapshots_hash PRIMARY KEY,
    problem     bytea NOT NULL,
    legend      bytea NOT NULL
);
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'frozen inputs do not change'; END $$;
CREATE TRIGGER snapshots_frozen BEFORE UPDATE OR DELETE ON snapshots FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE runs (
    name        text        CONSTRAINT runs_name PRIMARY KEY,
    round       text        NOT NULL CONSTRAINT runs_of REFERENCES rounds (name),
    state       text        NOT NULL,
    lease_until timestamptz,
    create_time timestamptz NOT NULL,
    body        jsonb       NOT NULL,
    incumbent   bytea
);
CREATE INDEX runs_of_round ON runs (round, create_time DESC);
CREATE UNIQUE INDEX runs_one_at_a_time ON runs (round) WHERE state IN ('QUEUED', 'WORKING');

CREATE TABLE run_progress (
    run    text   NOT NULL CONSTRAINT run_progress_of REFERENCES runs (name),
    number bigint NOT NULL,
    body   jsonb  NOT NULL,
    CONSTRAINT run_progress_once PRIMARY KEY (run, number)
);

CREATE TABLE plans (
    name        text        CONSTRAINT plans_name PRIMARY KEY,
    round       text        NOT NULL CONSTRAINT plans_of REFERENCES rounds (name),
    create_time timestamptz NOT NULL,
    body        jsonb       NOT NULL,
    plan        bytea       NOT NULL,
    certificate text        NOT NULL
);
CREATE INDEX plans_of_round ON plans (round, create_time DESC);

CREATE TABLE plan_unserved (
    plan     text    NOT NULL CONSTRAINT plan_unserved_of REFERENCES plans (name),
    position integer NOT NULL,
    request  text    NOT NULL,
    body     jsonb   NOT NULL,
    CONSTRAINT plan_unserved_once PRIMARY KEY (plan, position),
    CONSTRAINT plan_unserved_request UNIQUE (plan, request)
);

-- Numbers for experts, because an exclusion constraint needs ranges and the plain build has no operator class for text.
CREATE TABLE expert_numbers (
    expert text   CONSTRAINT expert_numbers_name PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY
);

CREATE TABLE assignments (
    name          text        CONSTRAINT assignments_name PRIMARY KEY,
    round         text        NOT NULL,
    request       text        NOT NULL,
    event         text        NOT NULL,
    expert        text        NOT NULL,
    expert_number bigint      NOT NULL,
    state         text        NOT NULL,
    start_time    timestamptz NOT NULL,
    end_time      timestamptz NOT NULL,
    node_path     text[]      NOT NULL,
    version       bigint      NOT NULL,
    body          jsonb       NOT NULL,
    -- nobody is in two places at one time, whatever the code above believes
    CONSTRAINT assignments_no_overlap EXCLUDE USING gist (
        int8range(expert_number, expert_number, '[]') WITH &&,
        tstzrange(start_time, end_time) WITH &&
    ) WHERE (state IN ('OFFERED', 'ACCEPTED', 'CONFIRMED', 'DELIVERED')) DEFERRABLE INITIALLY IMMEDIATE
);
CREATE INDEX assignments_by_start ON assignments (start_time, name);
CREATE INDEX assignments_by_round ON assignments (round);
CREATE INDEX assignments_by_expert ON assignments (expert, start_time);
CREATE INDEX assignments_by_event ON assignments (event);

-- Counts what has been decided about each request, so that facts about it have an order.
CREATE TABLE decisions (
    request text   CONSTRAINT decisions_request PRIMARY KEY,
    version bigint NOT NULL
);

CREATE TABLE coverage (
    round    text    NOT NULL CONSTRAINT coverage_of REFERENCES rounds (name),
    district text    NOT NULL,
    "group"  text    NOT NULL,
    target   bigint  NOT NULL,
    served   bigint  NOT NULL,
    carried  bigint  NOT NULL,
    CONSTRAINT coverage_once PRIMARY KEY (round, district, "group")
);
CREATE TABLE debts (
    district text   NOT NULL,
    "group"  text   NOT NULL,
    debt     bigint NOT NULL,
    CONSTRAINT debts_once PRIMARY KEY (district, "group")
);
