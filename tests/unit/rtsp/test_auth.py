import hashlib
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.rtsp.auth import Authenticator, Credential, Verifier, digest, parse_challenges, parse_parameters
from ingest.rtsp.errors import Problem, RtspError

ACCOUNT = Credential("admin", 'p:"\\@ä')
URL = "rtsp://camera/stream"


def _answer(verifier: Verifier, credential: Credential | None = ACCOUNT) -> str | None:
    client = Authenticator(credential)
    client.challenged(verifier.challenges())
    return client.authorization("PLAY", URL)


def test_the_digest_is_that_of_the_standards_own_example() -> None:
    """RFC 7616 §3.9.1."""
    account = Credential("Mufasa", "Circle of Life")
    qop = "00000001:f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ:auth"
    nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"

    def response(algorithm: str) -> str:
        return digest(algorithm, account, "http-auth@example.org", "GET", "/dir/index.html", nonce, qop)

    assert response("md5") == "8ca523f5e9506fed4657c9700eebdbec"
    assert response("sha-256") == "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"


def test_session_keys_and_covered_bodies_are_as_the_standard_says() -> None:
    """RFC 7616 §3.4.2 and §3.4.3, written out."""
    account = Credential("user", "passwd")

    def response(algorithm: str, kind: str) -> str:
        return digest(algorithm, account, "r", "PLAY", "/x", "n", f"00000001:c:{kind}")

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    key = md5(f"{md5('user:r:passwd')}:n:c")
    assert response("md5-sess", "auth") == md5(f"{key}:n:00000001:c:auth:{md5('PLAY:/x')}")
    covered = md5(f"PLAY:/x:{md5('')}")
    assert response("md5", "auth-int") == md5(f"{md5('user:r:passwd')}:n:00000001:c:auth-int:{covered}")


@pytest.mark.parametrize(
    "schemes",
    [
        ("basic",),
        ("md5",),
        ("sha-256",),
        ("md5-sess",),
        ("sha-256-sess",),
        ("md5", "sha-256"),
        ("basic", "md5"),
    ],
)
@pytest.mark.parametrize("qop", ["auth", "auth-int", "auth,auth-int"])
def test_the_two_halves_agree_and_a_wrong_password_does_not_pass(schemes: tuple[str, ...], qop: str) -> None:
    verifier = Verifier(ACCOUNT, 'realm "one"', schemes, qop)

    assert verifier.verify("PLAY", URL, _answer(verifier))
    assert not verifier.verify("PLAY", URL, _answer(verifier, Credential("admin", "wrong")))
    assert not verifier.verify("PLAY", URL, None)


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12), st.text(max_size=12))
def test_any_user_and_password_can_sign_in(user: str, password: str) -> None:
    account = Credential(user.replace(":", ""), password.encode("utf-8", "replace").decode())
    verifier = Verifier(account, "r", ("sha-256",))

    assert verifier.verify("PLAY", URL, _answer(verifier, account))


def test_an_answer_is_good_for_one_request_only() -> None:
    verifier = Verifier(ACCOUNT, "r")
    answer = _answer(verifier)

    assert not verifier.verify("TEARDOWN", URL, answer)
    assert not verifier.verify("PLAY", URL + "/other", answer)
    assert verifier.verify("PLAY", URL, answer)
    assert not verifier.verify("PLAY", URL, answer)


@pytest.mark.parametrize(
    ("offered", "answered"),
    [
        (['Basic realm="r"', 'Digest realm="r", nonce="n"'], "Digest"),
        (['Basic realm="r", Digest realm="r, s", nonce="n", algorithm=MD5'], "Digest"),
        (['Digest realm="r", nonce="n"', 'Digest realm="r", nonce="n", algorithm=SHA-256'], "SHA-256"),
        (['basic realm="r"'], "Basic"),
    ],
)
def test_the_strongest_way_that_is_offered_is_taken(offered: list[str], answered: str) -> None:
    client = Authenticator(ACCOUNT)
    client.challenged(offered)

    assert answered in (client.authorization("PLAY", URL) or "")


@pytest.mark.parametrize(
    "offers",
    [
        [['Digest realm="r", nonce="n", algorithm=SHA-512-256', 'Basic realm="r"']],
        [['Digest realm="r", nonce="n", qop="token"', 'Basic realm="r"']],
        [['Digest realm="r", nonce="n", algorithm=MD5-sess', 'Basic realm="r"']],
        [['Digest realm="r", nonce="n"'], ['Basic realm="r"']],
        [['Digest realm="r", nonce="n"'], ['Digest realm="r", nonce="m"']],
        [['Digest realm="r", nonce="n"'], *[['Digest realm="r", nonce="m", stale=true']] * 2],
        [["Bearer"]],
        [[]],
    ],
)
def test_basic_never_answers_where_digest_was_offered_and_a_refusal_is_final(offers: list[list[str]]) -> None:
    client = Authenticator(ACCOUNT)
    for offered in offers[:-1]:
        client.challenged(offered)

    with pytest.raises(RtspError) as caught:
        client.challenged(offers[-1])
    assert caught.value.reason is Problem.UNAUTHORISED


def test_a_nonce_that_ran_out_is_answered_anew() -> None:
    client = Authenticator(ACCOUNT)
    client.challenged(['Digest realm="r", nonce="one"'])
    client.accepted()
    client.challenged(['Digest realm="r", nonce="two"'])

    assert 'nonce="two"' in (client.authorization("PLAY", URL) or "")


def test_without_an_account_the_camera_says_unauthorised() -> None:
    with pytest.raises(RtspError) as caught:
        Authenticator(None).challenged(['Basic realm="r"'])
    assert caught.value.reason is Problem.UNAUTHORISED


def test_a_password_is_in_no_text() -> None:
    assert "p:" not in repr(ACCOUNT)


@given(st.text(max_size=80))
def test_any_header_is_a_challenge_or_none_and_verifies_nothing(text: str) -> None:
    assert all(
        challenge.scheme in ("basic", "digest") for challenge in parse_challenges([text, f"Digest {text}"])
    )
    verifier = Verifier(ACCOUNT, "r", ("basic", "md5"))
    assert not any(verifier.verify("PLAY", URL, head + text) for head in ("", "Basic ", "Digest "))


@given(st.lists(st.sampled_from(['"', "\\", "a", "=", ",", " ", "Digest", "\n"]), min_size=1, max_size=6))
@example(["a"])
@example(['"', "\\"])
@settings(max_examples=40, deadline=None)
def test_no_header_holds_up_the_other_cameras(parts: list[str]) -> None:
    """They share one loop; a head of 32 KB is the longest that is read."""
    piece = "".join(parts)
    text = ("Digest " + piece * (32_768 // len(piece)))[:32_768]
    began_s = time.process_time()
    parse_challenges([text])
    parse_parameters(text)
    assert time.process_time() - began_s < 0.1


def test_a_value_may_hold_commas_quotes_and_another_ways_name() -> None:
    (basic, asked) = parse_challenges([r'Basic realm="a, \"Digest\" b", Digest realm="c", nonce="n"'])
    assert (basic.scheme, basic.realm) == ("basic", 'a, "Digest" b')
    assert (asked.realm, asked.nonce) == ("c", "n")
