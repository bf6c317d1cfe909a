"""Values and rules of the experts service; no I/O, no clock, no wire types."""
