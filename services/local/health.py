"""Whether a service answers: gRPC's own health protocol, or an HTTP page.

As a command, for containers: `python -m services.local.health grpc|http HOST:PORT` ends with 0 when it does.
"""

import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

READY_S = 60
"""A cold first start on a slow machine takes about a third of this."""


def serves_grpc(address: str) -> bool:
    """Whether the server at `address` (`host:port`) says that it serves."""
    with grpc.insecure_channel(address) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(  # type: ignore[attr-defined]
                health_pb2.HealthCheckRequest(), timeout=1
            )
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def serves_http(address: str) -> bool:
    """Whether `http://address/healthz` answers 200."""
    try:
        with urllib.request.urlopen(f"http://{address}/healthz", timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def wait_until(ready: Callable[[], bool], *, given_up: Callable[[], bool], seconds: float) -> bool:
    """Ask `ready` until it says yes; False when `given_up` does first, or after `seconds`."""
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        if ready():
            return True
        if given_up():
            return False
        time.sleep(0.1)
    return False


if __name__ == "__main__":
    kind, address = sys.argv[1:]
    sys.exit(0 if {"grpc": serves_grpc, "http": serves_http}[kind](address) else 1)
