DROP TABLE inbox_versions;
DROP TABLE inbox;
DROP TABLE outbox;
