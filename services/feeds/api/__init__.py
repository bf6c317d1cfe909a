"""The way in: gRPC, and facts."""
