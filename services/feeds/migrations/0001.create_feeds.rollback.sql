DROP TABLE calendar_subjects;
DROP TABLE calendar_members;
DROP TABLE calendar_events;
DROP TABLE calendars;
DROP TABLE deliveries;
DROP TABLE webhooks;
