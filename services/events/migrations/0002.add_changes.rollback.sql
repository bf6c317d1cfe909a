DROP INDEX request_history_by_who;
DROP INDEX requests_by_filer;
DROP TABLE changes;
