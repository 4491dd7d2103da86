"""CloudEvents and their signature, against the published example of Standard Webhooks."""

import json
from datetime import UTC, datetime
from urllib.parse import unquote

import pytest

from alerting.channels.cloud_event import body_of, cloud_event, headers_of, signature

AT = datetime(2026, 11, 22, 8, tzinfo=UTC)


def test_the_signature_is_that_of_the_standards_own_example() -> None:
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    assert signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_an_event_has_the_eight_attributes_and_says_chinese_plainly() -> None:
    event = cloud_event(
        type="farwatch.task.offered", source="//city/farwatch", id="12:offer:hook:o1", at=AT, subject="tasks/12",
        data={"地": 1},
    )  # fmt: skip
    body = body_of(event)
    assert set(json.loads(body)) == {
        "specversion",
        "type",
        "source",
        "id",
        "time",
        "subject",
        "datacontenttype",
        "data",
    }
    assert "地".encode() in body


def test_without_a_secret_there_is_no_signature_and_with_one_it_covers_id_time_and_body() -> None:
    assert "webhook-signature" not in headers_of("", "k", AT, b"{}")
    one = headers_of("a plain secret of ours", "k", AT, b"{}")
    assert one["webhook-timestamp"] == str(int(AT.timestamp()))
    others = [
        headers_of("a plain secret of ours", "k2", AT, b"{}"),
        headers_of("a plain secret of ours", "k", AT.replace(second=1), b"{}"),
        headers_of("a plain secret of ours", "k", AT, b"{ }"),
        headers_of("another secret of ours", "k", AT, b"{}"),
    ]
    assert one["webhook-signature"] not in {o["webhook-signature"] for o in others}


@pytest.mark.parametrize(
    ("key", "header"),
    [
        ("12:offer@2026-11-22T08:00:00+00:00:hook:o1", "12:offer@2026-11-22T08:00:00+00:00:hook:o1"),
        ("log/7", "log/7"),
        ("1:offer:短信 一:张三", "1:offer:%E7%9F%AD%E4%BF%A1%20%E4%B8%80:%E5%BC%A0%E4%B8%89"),
        ("1:offer:a\r\nb:%E5", "1:offer:a%0D%0Ab:%25E5"),
    ],
)
def test_a_key_of_any_text_fits_into_a_header_and_is_signed_as_it_stands_there(key: str, header: str) -> None:
    headers = headers_of("a plain secret of ours", key, AT, b"{}")
    assert (headers["webhook-id"], unquote(header)) == (header, key)
    timestamp_s = int(headers["webhook-timestamp"])
    assert headers["webhook-signature"] == signature("a plain secret of ours", header, timestamp_s, b"{}")
