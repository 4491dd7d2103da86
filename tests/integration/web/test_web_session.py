from datetime import timedelta

import pytest
from argon2 import extract_parameters

from farwatch.storage import users
from farwatch.storage.users import BadNameError, RoleError, UnknownOfficerError, WeakPasswordError
from server.web import rate_limit
from tests.support.web_house import PASSWORD, House

SESSION = "/api/v1/session"


async def test_the_right_password_signs_in_and_the_cookie_is_enough_from_then_on(house: House) -> None:
    async with house.client() as client:
        signed_in = await client.post(SESSION, json={"name": "wang", "password": PASSWORD})

        assert signed_in.status_code == 200
        assert signed_in.json() == {"name": "wang", "role": "officer", "officer": "o1"}
        assert (await client.get(SESSION)).json() == signed_in.json()


async def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(house: House) -> None:
    async with house.client() as client:
        cookie = (await client.post(SESSION, json={"name": "chen", "password": PASSWORD})).headers[
            "set-cookie"
        ]

    assert all(part in cookie for part in ("HttpOnly", "SameSite=strict", "Path=/"))
    assert "Secure" not in cookie


@pytest.mark.parametrize(("proxied", "secure"), [(True, True), (False, False)])
async def test_forwarded_https_counts_only_behind_our_own_proxy(
    house: House, proxied: bool, secure: bool
) -> None:
    house.use(proxied=proxied)
    async with house.client() as client:
        answer = await client.post(
            SESSION, json={"name": "chen", "password": PASSWORD}, headers={"X-Forwarded-Proto": "https"}
        )

    assert ("Secure" in answer.headers["set-cookie"]) is secure


async def test_only_the_hash_of_a_token_is_stored(house: House) -> None:
    async with house.client() as client:
        await client.post(SESSION, json={"name": "chen", "password": PASSWORD})
        token = client.cookies["farwatch_session"]

    stored = await house.pool.fetchval("SELECT token_sha256 FROM sessions")
    assert len(token) >= 43
    assert len(stored) == 32
    assert token.encode() not in stored


async def test_a_wrong_password_and_an_unknown_name_look_the_same(house: House) -> None:
    async with house.client() as client:
        for name in ("chen", "nobody", "nul\x00byte", "'; DROP TABLE users; --"):
            answer = await client.post(SESSION, json={"name": name, "password": "wrong horse"})
            assert answer.status_code == 401
            assert answer.json() == {"error": {"key": "bad_credentials", "params": {}}}


def test_an_unknown_name_costs_the_work_of_a_wrong_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in is a hash that argon2 takes the whole way: were it malformed, it would fail at once."""
    seen = []

    class Hasher:
        def verify(self, password_hash: str, _: str) -> bool:
            seen.append(extract_parameters(password_hash))
            return False

    real = extract_parameters(users.hash_password("some password"))
    monkeypatch.setattr(users, "_HASHER", Hasher())
    users.verify_password(None, "x")

    assert seen == [real]


async def test_guessing_is_slowed_down_and_a_right_password_is_no_guess(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    per_name = rate_limit.Rate(burst=2, refill_s=30)
    monkeypatch.setattr(rate_limit, "PER_NAME", per_name)
    house.use()
    async with house.client() as client:
        for _ in range(3):
            assert (
                await client.post(SESSION, json={"name": "chen", "password": PASSWORD})
            ).status_code == 200
        for _ in range(per_name.burst):
            assert (await client.post(SESSION, json={"name": "chen", "password": "guess"})).status_code == 401
        refused = await client.post(SESSION, json={"name": "chen", "password": PASSWORD})
        other = await client.post(SESSION, json={"name": "bo", "password": PASSWORD})
        house.clock.seconds += per_name.refill_s
        later = await client.post(SESSION, json={"name": "chen", "password": PASSWORD})

    assert refused.status_code == 429
    assert refused.json()["error"]["key"] == "too_many_attempts"
    assert 0 < int(refused.headers["retry-after"]) <= per_name.refill_s
    assert other.status_code == 200
    assert later.status_code == 200


async def test_signing_out_ends_the_session_for_every_holder_of_the_cookie(house: House) -> None:
    async with house.client("chen") as client:
        copy = dict(client.cookies)
        assert (await client.delete(SESSION)).status_code == 204
        client.cookies.update(copy)
        assert (await client.get(SESSION)).json()["error"]["key"] == "not_signed_in"


async def test_a_session_ends_by_itself(house: House) -> None:
    async with house.client("chen") as client:
        house.clock.seconds += timedelta(hours=12, seconds=1).total_seconds()
        assert (await client.get(SESSION)).status_code == 401


async def test_deactivating_a_user_ends_his_sessions(house: House) -> None:
    async with house.client("chen") as client:
        assert await users.deactivate(house.pool, "chen")
        assert (await client.get(SESSION)).status_code == 401
    assert await users.credentials(house.pool, "chen") is None


SENSELESS = [
    (("new", "officer", "nobody", "long enough"), UnknownOfficerError),
    (("new", "officer", None, "long enough"), RoleError),
    (("new", "centre", "o1", "long enough"), RoleError),
    (("new", "king", None, "long enough"), RoleError),
    (("new", "centre", None, "1234567"), WeakPasswordError),
    (("", "centre", None, "long enough"), BadNameError),
    ((" new", "centre", None, "long enough"), BadNameError),
    (("n\x00w", "centre", None, "long enough"), BadNameError),
]


async def test_a_user_that_makes_no_sense_is_refused_by_name(house: House) -> None:
    for who, error in SENSELESS:
        with pytest.raises(error):
            await users.add_user(house.pool, *who)
    assert await house.pool.fetchval("SELECT count(*) FROM users") == 5


async def test_adding_a_user_again_changes_the_password_and_ends_his_sessions(house: House) -> None:
    async with house.client("chen") as client:
        await users.add_user(house.pool, "chen", "centre", None, "another horse")
        assert (await client.get(SESSION)).status_code == 401
        assert (await client.post(SESSION, json={"name": "chen", "password": PASSWORD})).status_code == 401
        assert (
            await client.post(SESSION, json={"name": "chen", "password": "another horse"})
        ).status_code == 200


WRITES = [
    ({"Origin": "http://evil.test"}, 403, "other_origin"),
    ({"Origin": "https://farwatch.test"}, 403, "other_origin"),
    ({"Origin": "null"}, 403, "other_origin"),
    ({"Sec-Fetch-Site": "cross-site"}, 403, "other_origin"),
    ({"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
    ({"Content-Type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
    ({"Content-Length": "9999999"}, 413, "too_large"),
    ({"Origin": "http://farwatch.test", "Sec-Fetch-Site": "same-origin"}, 200, None),
    ({"Content-Type": "application/json; charset=utf-8"}, 200, None),
]


async def test_writes_come_as_json_from_the_same_origin(house: House) -> None:
    body = b'{"name": "chen", "password": "correct horse"}'
    async with house.client() as client:
        for headers, status, key in WRITES:
            sent = {"Content-Type": "application/json"} | headers
            answer = await client.post(SESSION, content=body, headers=sent)
            assert (answer.status_code, answer.json().get("error", {}).get("key")) == (status, key), headers


async def test_a_body_without_a_length_is_counted_as_it_comes(house: House) -> None:
    async def endless() -> object:
        for _ in range(1000):
            yield b" " * 1024

    async with house.client() as client:
        answer = await client.post(SESSION, content=endless(), headers={"Content-Type": "application/json"})

    assert answer.status_code == 413
    assert answer.json()["error"]["key"] == "too_large"


async def test_an_invalid_body_is_named_by_field_and_never_repeated(house: House) -> None:
    async with house.client() as client:
        answer = await client.post(SESSION, json={"name": "chen", "password": ["secret"]})

    assert answer.status_code == 422
    assert answer.json() == {
        "error": {"key": "invalid", "params": {"at": "body.password", "why": "string_type"}}
    }
