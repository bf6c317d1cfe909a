"""Grants are what the table of topics says, and our clients sign in by what their environment says."""

import ssl

import pytest

from libs.messaging.access import client_options
from libs.messaging.grants import SERVICES, Role, commands, grants
from libs.messaging.topics import topics, wanted


def may(role: Role, name: str, operation: str) -> set[str]:
    return {
        one.resource
        for one in grants(role, name)
        if one.kind == "topic" and operation in one.operations
    }


def test_the_public_reads_what_is_for_anybody_and_writes_nothing() -> None:
    assert may(Role.PUBLIC, "media", "Read") == {"public.event.v1", "public.event.state.v1"}
    assert not may(Role.PUBLIC, "media", "Write")


def test_a_partner_reads_nothing_internal_and_writes_only_its_own_dead_letters() -> None:
    internal = {one.name for one in topics().values() if one.readers == ("internal",)}
    assert internal
    assert not internal & may(Role.PARTNER, "body", "Read")
    assert "scheduling.assignment.v1" in may(Role.PARTNER, "body", "Read")
    assert may(Role.PARTNER, "body", "Write") == {"body.dead.v1"}


def test_every_topic_has_exactly_one_writer_among_the_services() -> None:
    writers = [topic for name in SERVICES for topic in may(Role.SERVICE, name, "Write")]
    assert sorted(writers) == sorted(one.name for one in wanted())


def test_a_name_is_no_more_than_a_name_to_the_shell() -> None:
    (first, *_) = commands(Role.PUBLIC, "a b; rm")
    assert "'User:a b; rm'" in first
    assert '"$BROKER"' in first


def test_no_service_gets_grants_under_another_name() -> None:
    with pytest.raises(ValueError, match="none of"):
        grants(Role.SERVICE, "body")


def test_without_a_user_nobody_signs_in() -> None:
    assert client_options() == {"security_protocol": "PLAINTEXT"}


def test_credentials_and_tls_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"USER": "media", "PASSWORD": "secret", "TLS": "true"}.items():
        monkeypatch.setenv(f"ZHIHUI_KAFKA_{name}", value)
    options = client_options()
    context = options.pop("ssl_context")
    assert options == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "media",
        "sasl_plain_password": "secret",
    }
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
