"""Consumers of facts that are whole programs: start from one of them."""
