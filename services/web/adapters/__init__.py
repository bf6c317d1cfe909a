"""The edge towards the three services."""
