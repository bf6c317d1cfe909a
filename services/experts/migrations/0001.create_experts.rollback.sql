DROP TABLE service_records;
DROP TABLE team_members;
DROP TABLE node_paths;
DROP TABLE pools;
DROP TABLE talks;
DROP TABLE availability;
DROP TABLE personal_data;
DROP TABLE experts;
