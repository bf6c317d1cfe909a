LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE;
ALTER TABLE outbox ADD COLUMN published_at timestamptz;
UPDATE outbox SET published_at = occurred_at WHERE position NOT IN (SELECT position FROM outbox_waiting);
CREATE INDEX outbox_unpublished ON outbox (position) WHERE published_at IS NULL;
DROP TRIGGER outbox_waits ON outbox;
DROP FUNCTION outbox_waits();
DROP TABLE outbox_waiting;
