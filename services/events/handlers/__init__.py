"""One function per call: load, let the domain decide, save, announce; each in the transaction it is given."""
