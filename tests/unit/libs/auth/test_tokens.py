from datetime import timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from libs.auth.principal import NotSignedIn, Principal, Role
from libs.auth.tokens import LEEWAY_S, Tokens
from libs.settings import TokenSettings
from tests.support.clock import FixedClock

KEY = "a key that is only good for tests, and long enough"
AN_HOUR = timedelta(hours=1)
WHO = Principal(
    subject="p-1",
    roles=frozenset({Role.LOCAL_HEAD, Role.EXPERT}),
    nodes=("nodes/500101", "nodes/500102"),
    expert_id="exp-1",
    name="三长（示例）",
)


def ed25519() -> tuple[str, str]:
    key = OKPKey.generate_key("Ed25519")
    return key.as_pem(private=True).decode(), key.as_pem(private=False).decode()


def test_who_was_signed_is_who_is_read() -> None:
    tokens = Tokens(TokenSettings(auth_key=KEY))
    assert tokens.verify(tokens.issue(WHO, lifetime=AN_HOUR)) == WHO


def test_a_public_key_verifies_what_the_private_one_signed() -> None:
    private, public = ed25519()
    token = Tokens(TokenSettings(auth_algorithm="Ed25519", auth_key=private)).issue(
        WHO, lifetime=AN_HOUR
    )
    assert Tokens(TokenSettings(auth_algorithm="Ed25519", auth_key=public)).verify(token) == WHO


def test_a_public_key_is_no_shared_secret() -> None:
    _, public = ed25519()
    with pytest.raises(ValueError, match="must not be used"):
        Tokens(TokenSettings(auth_key=public))


def test_a_token_of_another_algorithm_is_not_accepted() -> None:
    _, public = ed25519()
    shared = Tokens(TokenSettings(auth_key=KEY)).issue(WHO, lifetime=AN_HOUR)
    with pytest.raises(NotSignedIn):
        Tokens(TokenSettings(auth_algorithm="Ed25519", auth_key=public)).verify(shared)


@pytest.mark.parametrize(
    ("late_s", "accepted"), [(0, True), (LEEWAY_S - 1, True), (LEEWAY_S + 1, False)]
)
@pytest.mark.parametrize("known", [False, True])
def test_a_token_ends_at_its_expiry_and_the_leeway(
    late_s: int, accepted: bool, known: bool
) -> None:
    clock = FixedClock()
    tokens = Tokens(TokenSettings(auth_key=KEY), clock=clock)
    token = tokens.issue(WHO, lifetime=AN_HOUR)
    if known:
        assert tokens.verify(token) == WHO
    clock.advance(AN_HOUR + timedelta(seconds=late_s))
    if accepted:
        assert tokens.verify(token) == WHO
    else:
        with pytest.raises(NotSignedIn):
            tokens.verify(token)


def forged(**changes: object) -> str:
    now = int(FixedClock()().timestamp())
    claims = {
        "iss": "zhihui",
        "aud": "zhihui",
        "sub": "p",
        "exp": now + 60,
        "roles": ["ADMIN"],
    } | changes
    claims = {key: value for key, value in claims.items() if value is not None}
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(KEY), algorithms=["HS256"])


def test_a_hand_made_token_with_our_key_is_read() -> None:
    assert Tokens(TokenSettings(auth_key=KEY), clock=FixedClock()).verify(forged()).roles == {
        Role.ADMIN
    }


@pytest.mark.parametrize(
    "token",
    [
        "",
        "not a token",
        "a.b.c",
        forged(aud="elsewhere"),
        forged(iss="elsewhere"),
        forged(sub=None),
        forged(exp=None),
        forged(roles=["KING"]),
        forged(roles=7),
        forged(nodes=7),
        forged()[:-2],
        # alg none
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJwIn0.",
    ],
)
def test_nothing_else_is_accepted(token: str) -> None:
    with pytest.raises(NotSignedIn):
        Tokens(TokenSettings(auth_key=KEY), clock=FixedClock()).verify(token)


def test_a_short_secret_is_not_taken() -> None:
    with pytest.raises(ValueError, match="32 characters"):
        Tokens(TokenSettings(auth_key="x" * 31))
