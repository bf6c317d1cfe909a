"""TLS is configuration: with a CA, only callers it signed get in."""

from pathlib import Path

import grpc
import pytest

from libs.rpc.status import refusal_from
from tests.support.certificates import Authority
from tests.support.toy import Toy, toy_world


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def server_settings(authority: Authority, *, ask_callers: bool) -> dict[str, str]:
    pair = authority.sign("server")
    return {
        "tls_certificate_file": str(pair.certificate),
        "tls_key_file": str(pair.key),
        "tls_ca_file": str(authority.certificate) if ask_callers else "",
    }


async def test_a_caller_that_trusts_the_authority_is_answered(authority: Authority) -> None:
    async with toy_world(**server_settings(authority, ask_callers=False)) as world:
        async with world.client(tls_ca_file=str(authority.certificate)) as client:
            assert await client.get(Toy(title="kite")) == Toy(title="kite")


async def test_a_caller_with_a_certificate_of_the_authority_is_answered(
    authority: Authority,
) -> None:
    pair = authority.sign("client")
    async with toy_world(**server_settings(authority, ask_callers=True)) as world:
        async with world.client(
            tls_ca_file=str(authority.certificate),
            tls_certificate_file=str(pair.certificate),
            tls_key_file=str(pair.key),
        ) as client:
            assert await client.get(Toy(title="kite")) == Toy(title="kite")


@pytest.mark.parametrize("plain", [True, False], ids=["plain text", "no certificate"])
async def test_a_caller_without_is_not_heard(authority: Authority, plain: bool) -> None:
    async with toy_world(**server_settings(authority, ask_callers=True)) as world:
        async with world.client(
            tls_ca_file="" if plain else str(authority.certificate), deadline_s=1
        ) as client:
            with pytest.raises(grpc.RpcError) as caught:
                await client.register(Toy())
    assert refusal_from(caught.value).code in {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }
    assert world.servicer.seen == []
