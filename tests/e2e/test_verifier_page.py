"""verify.html, opened as a file in a real browser, says of each ZIP what the command says."""

import base64
import hashlib
import io
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from alerting.sealing.keys import public_pem
from alerting.verifier import single
from alerting.verifier.verify import Verdict, verify
from tests.support.browser import CHROMIUM, open_browser
from tests.support.evidence_case import (
    DEED,
    PIECES,
    TASK,
    Paper,
    a_key,
    forged,
    meddled,
    packed,
    stored,
    unpacked,
    unsealed,
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.process,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    """The page as a file, with everything that it would load or complain of."""
    (tmp_path / "verify.html").write_bytes(single.page())
    async with open_browser() as browser:
        page = await browser.new_page(locale="en-GB")
        troubles: list[str] = []
        page.on("pageerror", lambda e: troubles.append(str(e)))
        page.on("console", lambda m: troubles.append(m.text))
        page.on("request", lambda r: troubles.append(r.url) if "verify.html" not in r.url else None)
        await page.goto((tmp_path / "verify.html").as_uri())
        yield page
        assert troubles == []


async def judged(page: Page, folder: Path, content: bytes, key: str, roots: object) -> tuple[str, set[str]]:
    """The verdict, and each thing that is wrong as `name (place)`."""
    (folder / "case.zip").write_bytes(content)
    await page.set_input_files("#file", folder / "case.zip")
    await page.fill("#key", key)
    if roots is None:
        await page.set_input_files("#roots", [])
    else:
        (folder / "roots.json").write_text(json.dumps(roots))
        await page.set_input_files("#roots", folder / "roots.json")
    await page.click("#go")
    done = page.locator("#verdict:is([data-state=good], [data-state=bad], [data-state=cannot])")
    await done.wait_for(timeout=20_000)
    state = await done.get_attribute("data-state") or ""
    return state, set(await page.locator("#found code").all_inner_texts())


def as_the_command(verdict: Verdict) -> tuple[str, set[str]]:
    found = {f"{found.name} ({found.place})" for found in verdict.found}
    return "bad" if found else "good", found


def changed(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


async def told_twice(paper: Paper) -> bytes:
    film = b"another film"
    events = [*paper.events[:-1], stored("clip", film)]
    return await forged(paper, contents={**paper.contents, "clip": film}, events=events).pack()


async def revoked(paper: Paper, decided_at: str) -> bytes:
    """By who may change rows and add to the log."""
    events = [*paper.events]
    events[16] = {
        "type": "breach_revoked", "task": TASK, "deadline": "arrive", "matter": 3, "due_at": "2026-11-22T03:05:00+00:00",
        "decided_at": decided_at,
    }  # fmt: skip
    told = forged(paper, events=events)
    case = told.case()
    kept, missed = case.facts["deadlines"][:2]
    case.facts["deadlines"] = [kept, {**missed, "state": "met", "decided_at": decided_at}]
    return await told.pack(case)


async def without_entry(paper: Paper) -> bytes:
    """With the seal that would show it; the entry behind it names it."""
    files = unpacked(await paper.pack())
    lines = files["log.jsonl"].splitlines(keepends=True)
    files["log.jsonl"] = b"".join(line for line in lines if json.loads(line)["n"] > 9)
    seals = json.loads(files["seals.json"])["seals"]
    files["seals.json"] = json.dumps({"seals": seals[1:]}).encode()
    return packed(files, paper.key)


async def gone(paper: Paper) -> bytes:
    case = paper.case()
    case.facts["evidence"][0].update(state="purged", erased_at="2026-11-22T03:00:00+00:00")
    return await paper.pack(case)


def rewritten_rows(good: bytes, paper: Paper) -> dict[str, bytes]:
    manifest = json.loads(unpacked(good)["manifest.json"])
    (met, missed), (matter,) = manifest["deadlines"][:2], manifest["matters"]
    changes: dict[str, dict[str, Any]] = {
        "another actor": {"actions": [{**DEED, "actor": "li"}]},
        "claimed earlier": {"actions": [{**DEED, "claimed_at": "2026-11-22T03:50:00+00:00"}]},
        "received a moment earlier": {"actions": [{**DEED, "received_at": "2026-11-22T03:51:59.999999+00:00"}]},
        "arrived in time": {"task": {**manifest["task"], "arrived_at": "2026-11-22T03:04:00+00:00"}},
        "another outcome": {"task": {**manifest["task"], "outcome": "false_alarm"}},
        "another t1": {"matters": [{**manifest["matters"][0], "found_at": "2026-11-22T02:25:00+00:00"}]},
        "a matter arrived at in time": {"matters": [{**matter, "arrived_at": "2026-11-22T03:04:00+00:00"}]},
        "a matter accepted at another moment": {"matters": [{**matter, "accepted_at": "2026-11-22T02:32:00+00:00"}]},
        "a matter not arrived at": {"matters": [{**matter, "arrived_at": None}]},
        "an invented matter": {"matters": [matter, {**matter, "id": 4}]},
        "a breach met": {"deadlines": [manifest["deadlines"][0], {**missed, "state": "met"}]},
        "a breach excused": {
            "deadlines": [manifest["deadlines"][0], {**missed, "excused_at": missed["decided_at"], "excused_by": "li"}]
        },
        "a target gone": {"deadlines": [missed]},
        "met by nothing": {"deadlines": [{**met, "decided_at": "2026-11-22T02:32:00+00:00"}, missed]},
        "met, called off": {"deadlines": [{**met, "state": "cancelled"}, missed]},
        "met, still running": {"deadlines": [{**met, "state": "pending", "decided_at": None}, missed]},
        "no time": {"task": {**manifest["task"], "arrived_at": "yesterday"}},
    }  # fmt: skip
    return {name: packed(unpacked(good), paper.key, change) for name, change in changes.items()}


async def attacks(paper: Paper) -> dict[str, bytes]:
    good = await paper.pack()
    other_clip = {**paper.contents, "clip": b"another film"}
    swapped = list(paper.events)
    swapped[6], swapped[8] = swapped[8], swapped[6]
    with_swapped = unpacked(await forged(paper, events=swapped).pack())
    shorter = unpacked(good)
    shorter["log.jsonl"] = b"".join(shorter["log.jsonl"].splitlines(keepends=True)[:-3])
    without_piece = unpacked(good)
    del without_piece[f"evidence/{PIECES['photo'][0]}.jpg"]
    return {
        "good": good,
        "good, of before entries told moments": await replace(paper, exact=False).pack(),
        "good, although a camera machine told more than is its own": await forged(
            paper, events=meddled(paper.events)
        ).pack(),
        **rewritten_rows(good, paper),
        "an entry left out": await without_entry(paper),
        "another key": await forged(paper, key=a_key(2), contents=other_clip, events=[]).pack(),
        "the true key": await forged(paper, contents=other_clip, events=[]).pack(),
        "swapped": packed({**with_swapped, "seals.json": unpacked(good)["seals.json"]}, paper.key),
        "shorter": packed(shorter, paper.key),
        "without a piece": packed(without_piece, paper.key),
        "another note": packed(unpacked(good), paper.key, {"actions": [{**DEED, "note": "x"}]}),
        "a note without its salt": packed(
            unpacked(good), paper.key, {"actions": [{**DEED, "salted_with": None}]}
        ),
        "an invented deed": packed(
            unpacked(good), paper.key, {"actions": [DEED, {**DEED, "client_id": "d2"}]}
        ),
        "a deed left out": packed(unpacked(good), paper.key, {"actions": []}),
        "a clip told twice": await told_twice(paper),
        "a breach revoked for no deed": await revoked(paper, "2026-11-22T03:04:00+00:00"),
        "a breach revoked for the late arrival": await revoked(paper, "2026-11-22T03:28:00+00:00"),
        "a purge that the log does not tell": await gone(paper),
        "numbers beyond the last root": await unsealed(paper, 1000),
        "exported before the first root": await unsealed(paper, 1, ""),
        "a header's byte": changed(good, 7),
        "a clip's byte": changed(good, 700),
        "the directory's byte": changed(good, len(good) - 300),
        "the last byte": changed(good, len(good) - 1),
        "junk behind": good + b"junk",
        "cut off": good[: len(good) // 2],
        "no ZIP": b"\x89PNG" * 99,
    }


async def test_the_page_says_what_the_command_says(page: Page, tmp_path: Path) -> None:
    paper = Paper(folder=tmp_path / "blobs")
    for name, content in (await attacks(paper)).items():
        events = meddled(paper.events) if "camera machine" in name else paper.events
        kept = replace(paper, exact="of before" not in name, events=events).roots()
        roots = {"roots": [{"hour": hour, **root} for hour, root in kept.items()]}
        command = verify(io.BytesIO(content), [paper.key.fingerprint], kept)
        said = await judged(page, tmp_path, content, paper.key.fingerprint, roots)
        assert said == as_the_command(command), name
        assert (said[0] == "good") == name.startswith("good"), name
        assert len(await page.locator("#notes li").all()) == len(command.notes), name


async def test_the_page_takes_a_key_as_pem_and_no_roots_with_a_warning(page: Page, tmp_path: Path) -> None:
    paper = Paper(folder=tmp_path / "blobs")
    content = await paper.pack()
    assert (await judged(page, tmp_path, content, public_pem(paper.key.public_key), None))[0] == "good"
    about = await page.inner_text("#case")
    assert "Case 7, exported 2026-11-22T04:30:00+00:00 by chen for review; 13 events up to n = 18" in about
    assert "No roots were given" in await page.inner_text("#notes")
    assert (await judged(page, tmp_path, content, public_pem(a_key(2).public_key), None))[0] == "bad"
    assert (await judged(page, tmp_path, content, "not a key", None))[0] == "cannot"
    await page.click("#language")
    assert await page.inner_text("h1") == "证据包核验"


def test_the_page_allows_its_own_script_and_style_and_nothing_else() -> None:
    text = single.page().decode()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None

    def digest(tag: str) -> str:
        (body,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        return "'sha256-" + base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() + "'"

    assert policy[1] == (
        f"default-src 'none'; script-src {digest('script')}; style-src {digest('style')}; base-uri 'none'; form-action 'none'"
    )


def test_the_page_has_the_same_words_in_both_languages() -> None:
    zh, en = re.search(
        r"zh: \{(.*?)\n  \},\n  en: \{(.*?)\n  \},", single.page().decode(), re.DOTALL
    ).groups()  # type: ignore[union-attr]
    keys = [re.findall(r"[\s{,]([a-z0-9_]+): \"", part) for part in (zh, en)]
    assert keys[0] == keys[1]
    assert len(keys[0]) > 25
