"""secrets.toml: private on the disk, masked in every text."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farwatch.domain.device import StationSecret
from server.registry.secret_file import (
    FILE_NAME,
    Credential,
    Secrets,
    SecretsError,
    _render,
    load_secrets,
    parse,
    save_secrets,
)

texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30)
signing = st.text(st.characters(exclude_categories=("Cs",)), min_size=16, max_size=30).filter(
    lambda secret: not secret.startswith("whsec_")
)
channels = st.dictionaries(texts, st.tuples(texts, st.none() | signing), max_size=3)


def _with_channels(secrets: Secrets, channels: dict[str, tuple[str, str | None]]) -> Secrets:
    urls = {name: url for name, (url, _) in channels.items()}
    return replace(secrets, channels=urls, signing={name: key for name, (_, key) in channels.items() if key})


others = st.builds(
    Secrets,
    credentials=st.dictionaries(texts, st.builds(Credential, user=texts, password=texts), max_size=3),
    channels=st.just({}),
    signing=st.just({}),
    mqtt=st.dictionaries(texts, texts, max_size=3),
    stations=st.dictionaries(
        texts,
        st.builds(
            StationSecret,
            password=st.from_regex(r"[0-9A-Za-z]{0,6}", fullmatch=True),
            sm4_key=st.none() | st.binary(min_size=16, max_size=16),
        ),
        max_size=3,
    ),
)
secrets = st.builds(_with_channels, others, channels)


@given(secrets)
def test_whatever_is_written_is_read_again(kept: Secrets) -> None:
    assert parse(_render(kept)) == kept


def test_the_file_is_its_owners_only_and_is_replaced_whole(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    save_secrets(data_dir, Secrets(mqtt={"s1": "one"}))
    save_secrets(data_dir, Secrets(mqtt={"s1": "two"}))
    assert stat.S_IMODE((data_dir / FILE_NAME).stat().st_mode) == 0o600
    assert load_secrets(data_dir).mqtt == {"s1": "two"}
    assert [p.name for p in data_dir.iterdir()] == [FILE_NAME]


def test_nothing_there_is_no_secrets(tmp_path: Path) -> None:
    assert load_secrets(tmp_path) == Secrets()


def test_values_are_in_no_repr() -> None:
    kept = Secrets(
        credentials={"yard": Credential("admin", "hunter2")},
        channels={"duty": "wecombot://key"},
        mqtt={"s": "pw"},
        stations={"stack": StationSecret(password="hunter2", sm4_key=b"hunter2hunter2hu")},
    )
    assert "hunter2" not in repr(kept.stations)
    assert "hunter2" not in repr(kept) + repr(kept.credentials)
    assert "wecombot" not in repr(kept)
    assert "yard" in repr(kept)


@pytest.mark.parametrize(
    "text",
    [
        '[credentials.yard]\nuser = "a"\npassword = "hunter2',
        '[credentials.yard]\nuser = "a"\npassword = ["hunter2"]',
        '[credentials.yard]\nuser = "a"\npassword = "x"\npasword = "hunter2"',
        '[yard]\nuser = "a"\npassword = "hunter2"',
        '[mqtt.s1]\nurl = "hunter2"',
        '[channels.hook]\nurl = "x://y"\nsecret = "hunter2"',
        '[channels.hook]\nurl = "x://y"\nsecret = "whsec_hunter2hunter2!"',
        '[stations.s1]\nsm4_key = "hunter2"',
        '[stations.s1]\npassword = "hunter2;CN=1"',
    ],
)
def test_what_is_wrong_is_said_without_the_secret(text: str) -> None:
    with pytest.raises(SecretsError) as caught:
        parse(text)
    assert caught.value.problems
    assert "hunter2" not in str(caught.value)


def test_a_key_that_is_none_is_said_in_words() -> None:
    with pytest.raises(SecretsError) as caught:
        parse('[stations.s1]\nsm4_key = "0123"')
    assert str(caught.value) == "stations.s1.sm4_key: an SM4 key is 32 hexadecimal digits"


def test_names_are_merged_and_the_newer_wins() -> None:
    old = Secrets(mqtt={"a": "1", "b": "1"}, channels={"c": "old"})
    merged = old.merged(Secrets(mqtt={"b": "2"}))
    assert (merged.mqtt, merged.channels) == ({"a": "1", "b": "2"}, {"c": "old"})


def test_a_channel_that_is_written_anew_without_a_secret_has_none() -> None:
    kept = parse(
        '[channels.hook]\nurl = "x://old"\nsecret = "a secret of ours"\n[channels.duty]\nurl = "x://duty"'
    )
    anew = kept.merged(parse('[channels.hook]\nurl = "x://new"'))
    assert (anew.channels["hook"], dict(anew.signing)) == ("x://new", {})
    assert kept.merged(parse('[channels.duty]\nurl = "x://b"')).signing == {"hook": "a secret of ours"}
