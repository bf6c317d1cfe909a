"""What the service does, one transaction each: rounds, runs, publication, repair, and the snapshot that a solve sees."""
