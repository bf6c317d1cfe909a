CREATE TABLE experts (
    name         text        CONSTRAINT experts_name PRIMARY KEY,
    display_name text        NOT NULL,
    role         text        NOT NULL,
    state        text        NOT NULL,
    topics       text[]      NOT NULL,
    pools        text[]      NOT NULL,
    version      bigint      NOT NULL,
    body         jsonb       NOT NULL
);
CREATE INDEX experts_topics ON experts USING gin (topics);
CREATE INDEX experts_pools ON experts USING gin (pools);

-- The only table with personal data; nothing that is announced or logged reads it.
CREATE TABLE personal_data (
    expert    text             CONSTRAINT personal_data_one PRIMARY KEY
                               CONSTRAINT personal_data_of REFERENCES experts (name),
    phone     text             NOT NULL,
    email     text             NOT NULL,
    latitude  double precision NOT NULL,
    longitude double precision NOT NULL
);

CREATE TABLE availability (
    expert     text        NOT NULL CONSTRAINT availability_of REFERENCES experts (name),
    start_time timestamptz NOT NULL,
    end_time   timestamptz NOT NULL,
    CONSTRAINT availability_once PRIMARY KEY (expert, start_time),
    CONSTRAINT availability_order CHECK (start_time < end_time)
);

CREATE TABLE talks (
    name         text   CONSTRAINT talks_name PRIMARY KEY,
    expert       text   NOT NULL CONSTRAINT talks_of REFERENCES experts (name),
    topic        text   NOT NULL,
    next_expiry  date,
    body         jsonb  NOT NULL
);
CREATE INDEX talks_by_expert ON talks (expert, name);
CREATE INDEX talks_by_topic ON talks (topic, name);
CREATE INDEX talks_by_expiry ON talks (next_expiry) WHERE next_expiry IS NOT NULL;

CREATE TABLE pools (
    name    text   CONSTRAINT pools_name PRIMARY KEY,
    owner   text   NOT NULL,
    version bigint NOT NULL,
    body    jsonb  NOT NULL
);

-- From facts of the events service.
CREATE TABLE node_paths (
    node text   CONSTRAINT node_paths_node PRIMARY KEY,
    path text[] NOT NULL
);
CREATE TABLE team_members (
    event      text    NOT NULL,
    assignment text    NOT NULL,
    expert     text    NOT NULL,
    node_path  text[]  NOT NULL,
    live       boolean NOT NULL,
    CONSTRAINT team_members_once PRIMARY KEY (event, assignment)
);
CREATE INDEX team_members_by_expert ON team_members (expert) WHERE live;
CREATE TABLE service_records (
    assignment text        CONSTRAINT service_records_once PRIMARY KEY,
    expert     text        NOT NULL,
    event      text        NOT NULL,
    start_time timestamptz NOT NULL,
    end_time   timestamptz NOT NULL,
    minutes    integer     NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX service_records_by_expert ON service_records (expert, start_time DESC, assignment);
