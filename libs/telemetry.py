"""Logs, metrics and traces, set up once per process; no phone number, id card or name passes through here."""

import logging
import re
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, TextIO

import structlog
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import start_http_server

_DROPPED_KEYS = frozenset(
    {
        "phone",
        "mobile",
        "telephone",
        "contact",
        "contacts",
        "name",
        "full_name",
        "display_name",
        "family_name",
        "given_name",
        "address",
        "home",
        "home_point",
        "home_address",
        "email",
        "id_card",
        "id_number",
        "identity_number",
        "birth_date",
        "guardian",
        "wechat",
        "token",
        "authorization",
        "password",
        "dsn",
    }
)
_REDACTIONS = (
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "[email]"),
    # Resident identity numbers first: they contain what looks like a phone number.
    (re.compile(r"(?<![0-9A-Za-z])\d{6}(?:18|19|20)\d{9}[\dXx](?![0-9A-Za-z])"), "[identity]"),
    (
        re.compile(r"(?<![0-9A-Za-z])(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?![0-9A-Za-z])"),
        "[phone]",
    ),
    (re.compile(r"(?<![0-9A-Za-z-])0\d{2,3}-\d{7,8}(?![0-9A-Za-z-])"), "[phone]"),
)
_PROPAGATOR = TraceContextTextMapPropagator()


def redact(text: str) -> str:
    """`text` with phone numbers, identity numbers and mail addresses replaced by what they were."""
    for pattern, replacement in _REDACTIONS:
        text = pattern.sub(replacement, text)
    return text


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {
            key: _redacted(item)
            for key, item in value.items()
            if str(key).lower() not in _DROPPED_KEYS
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact(str(value))


def redact_event(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Drop personal keys, replace personal numbers in any text; a structlog processor."""
    return {
        key: _redacted(value) for key, value in event.items() if key.lower() not in _DROPPED_KEYS
    }


def _add_trace(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"] = trace.format_trace_id(span.trace_id)
        event["span_id"] = trace.format_span_id(span.span_id)
    return event


def start_logs(*, service: str, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send every log line of the process, also the libraries', to `stream` (standard error) as one JSON object each."""
    before: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _add_trace,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *before,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )

    def add_service(_l: Any, _m: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = service
        return event

    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,  # before redaction: a traceback quotes its values
                add_service,
                redact_event,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)


def start_traces(*, service: str, endpoint: str = "") -> None:
    """Give every span an id; export them by OTLP/gRPC when there is an `endpoint` (`http://host:4317`)."""
    # Imported late: clients use the helpers below and start no traces of their own.
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    provider = TracerProvider(resource=Resource.create({"service.name": f"zhihui.{service}"}))
    if endpoint:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        provider.add_span_processor(
            BatchSpanProcessor(
                OTLPSpanExporter(endpoint=endpoint, insecure=not endpoint.startswith("https"))
            )
        )
    trace.set_tracer_provider(provider)


def start_metrics(listen: str) -> int:
    """Serve the process's Prometheus page at `listen` (`host:port`; port 0 takes a free one); gives the port."""
    host, _, port = listen.rpartition(":")
    server, _ = start_http_server(int(port), addr=host or "127.0.0.1")
    return int(server.server_port)


def start(
    *, service: str, log_level: str = "INFO", otel_endpoint: str = "", metrics_listen: str = ""
) -> None:
    """Set up all three for a process, once, before anything else."""
    start_logs(service=service, level=log_level)
    start_traces(service=service, endpoint=otel_endpoint)
    if metrics_listen:
        port = start_metrics(metrics_listen)
        structlog.stdlib.get_logger(__name__).info("metrics_listening", port=port)


def current_traceparent() -> str | None:
    """The W3C `traceparent` of the present span, to be kept in an outbox row or sent along; None outside of any."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent")


@contextmanager
def with_traceparent(value: str | None) -> Iterator[None]:
    """Make the span `value` speaks of the parent of spans started inside; nothing or nonsense starts a new trace."""
    carrier = {"traceparent": value} if value else {}
    token = otel_context.attach(_PROPAGATOR.extract(carrier, context=otel_context.Context()))
    try:
        yield
    finally:
        otel_context.detach(token)


@contextmanager
def span(
    name: str, /, *, traceparent: str | None = None, **attributes: str | int
) -> Iterator[None]:
    """Time the block as one span called `name`; with `traceparent`, as a child of a span elsewhere."""
    tracer = trace.get_tracer("zhihui")
    if traceparent is None:
        with tracer.start_as_current_span(name, attributes=attributes):
            yield
    else:
        with (
            with_traceparent(traceparent),
            tracer.start_as_current_span(name, attributes=attributes),
        ):
            yield
