"""gRPC, Kafka and the worker: decode, call one handler, encode."""
