"""Sheets of requests, experts, availability and venues: what people write in cells, read strictly, taken in row by row."""
