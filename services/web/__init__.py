"""The web edge: what browsers see of the three services."""
