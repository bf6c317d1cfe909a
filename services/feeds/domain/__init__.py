"""What a webhook, a delivery and a calendar are."""
