"""What several tests share: a database, a clock that stands still, a toy service over a real channel."""
