"""Carries facts to those without Kafka: webhooks, and calendars that a phone can follow."""
