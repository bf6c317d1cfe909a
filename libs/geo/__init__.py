"""Places, distances, the node tree and the calendar, as two or more services need them."""
