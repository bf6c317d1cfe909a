"""Rules of rounds and assignments: no I/O, no wire, no clock."""
