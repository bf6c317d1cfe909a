"""What two services use; knows no service."""
