-- What waits to be published, in a narrow table: a fact that was published costs a deleted number, and not a new version of
-- its row in every index of the outbox (docs/adr/0033).
LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE;
CREATE TABLE outbox_waiting (
    position bigint CONSTRAINT outbox_waiting_position PRIMARY KEY
);
-- It is empty most of the time and turned over all the time; the default waits for a share of a table that is never large.
ALTER TABLE outbox_waiting SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
INSERT INTO outbox_waiting SELECT position FROM outbox WHERE published_at IS NULL;
-- Whoever writes a fact, by whatever program, has it wait: nothing depends on a second statement that may be forgotten.
CREATE FUNCTION outbox_waits() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS
    $$ BEGIN INSERT INTO outbox_waiting SELECT position FROM written; RETURN NULL; END $$;
CREATE TRIGGER outbox_waits AFTER INSERT ON outbox REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION outbox_waits();
DROP INDEX outbox_unpublished;
ALTER TABLE outbox DROP COLUMN published_at;
