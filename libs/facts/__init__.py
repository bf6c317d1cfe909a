"""For those who build on facts: the generated messages by type, handlers with their types, and a state rebuilt from a log.

A consumer of its own needs a PostgreSQL, this package and docs/facts.md; examples/ has two that are whole programs.
"""
