"""PostgreSQL, HTTP to receivers, and the iCalendar format."""
