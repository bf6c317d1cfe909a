"""What can be asked of webhooks and calendars, one function each."""
