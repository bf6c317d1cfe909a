-- What the page shows now. Taken down is deleted: nothing of it is kept.
CREATE TABLE listings (
    event     text        CONSTRAINT listings_one PRIMARY KEY,
    title     text        NOT NULL,
    start_at  timestamptz NOT NULL,
    end_at    timestamptz NOT NULL,
    venue     text        NOT NULL,
    district  text        NOT NULL,
    speakers  text[]      NOT NULL,
    delivered boolean     NOT NULL
);
