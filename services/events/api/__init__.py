"""The wire: gRPC in, facts in."""
