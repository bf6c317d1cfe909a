"""The `zhihui` command: what coordinators type. Everything it does goes through the gRPC API."""
