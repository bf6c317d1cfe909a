"""Values and rules of the events service; no I/O, no clock, no wire types."""
