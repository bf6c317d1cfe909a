-- Hours served. Nothing is changed or deleted: a correction is a new row that supersedes the old one.
CREATE TABLE hours (
    number        bigint      GENERATED ALWAYS AS IDENTITY CONSTRAINT hours_number PRIMARY KEY,
    assignment    text        NOT NULL,
    expert        text        NOT NULL,
    event         text        NOT NULL,
    district      text        NOT NULL,
    start_at      timestamptz NOT NULL,
    minutes       integer     NOT NULL CONSTRAINT hours_minutes CHECK (minutes >= 0),
    version       bigint      NOT NULL,
    supersedes    bigint      REFERENCES hours (number),
    superseded_at timestamptz
);
CREATE UNIQUE INDEX hours_current ON hours (assignment) WHERE superseded_at IS NULL;
CREATE INDEX hours_by_expert ON hours (expert, start_at);
