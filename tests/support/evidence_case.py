"""A case on paper: its log, seals, pieces and rows without a database, packed as the service packs it, and ways to forge it."""

import hashlib
import io
import json
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from alerting.sealing.exporting import Asked, export
from alerting.sealing.keys import SigningKey
from alerting.sealing.packing import Package
from alerting.verifier.layout import Archive
from alerting.verifier.verify import Verdict, verify
from farwatch.domain.chain import GENESIS, canonical, link
from farwatch.domain.commitment import commitment
from farwatch.domain.merkle import NO_ROOT, Seal, Tree, leaf
from farwatch.domain.place import Position
from farwatch.storage.blobs import BlobStore
from farwatch.storage.case_export import Case, Entry
from farwatch.storage.seals import SignedSeal

TASK = 7
T0 = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
EXPORTED_AT = T0 + timedelta(hours=2, minutes=30)
PIECES = {
    "clip": (UUID(int=1), "video/mp4", 9000),
    "still": (UUID(int=2), "image/jpeg", 3000),
    "clip_copy": (UUID(int=3), "video/mp4", 2000),
    "photo": (UUID(int=4), "image/jpeg", 1500),
}
SALT, PLACE = bytes(range(16)), Position(31.2, 121.0, 8.5)
DEED: dict[str, Any] = {
    "client_id": "d1", "actor": "wang", "action": "handle", "result": "done", "claimed_at": "2026-11-22T03:51:00.5+00:00",
    "received_at": "2026-11-22T03:52:00+00:00",
    "note": "stack shut", "lat": 31.2, "lon": 121, "accuracy_m": 8.5, "salted_with": SALT.hex(),
    "committed": '{"note":"stack shut","position":{"accuracy_m":8.5,"lat":31.2,"lon":121.0}}',
}  # fmt: skip
TARGETS: list[dict[str, Any]] = [
    {"kind": "accept", "matter_id": 3, "step": 0, "due_at": "2026-11-22T03:00:00+00:00", "state": "met",
     "decided_at": "2026-11-22T02:56:00+00:00"},
    {"kind": "arrive", "matter_id": 3, "step": 0, "due_at": "2026-11-22T03:05:00+00:00", "state": "breached",
     "decided_at": "2026-11-22T03:12:00+00:00"},
    {"kind": "escalate", "matter_id": 3, "step": 0, "due_at": "2026-11-22T02:26:00+00:00", "state": "fired",
     "decided_at": "2026-11-22T02:26:00.25+00:00"},
]  # fmt: skip
MATTER: dict[str, Any] = {
    "id": 3, "event_at": "2026-11-22T02:23:50+00:00", "found_at": "2026-11-22T02:23:59.75+00:00",
    "accepted_at": "2026-11-22T02:56:00+00:00", "arrived_at": "2026-11-22T03:28:00+00:00",
}  # fmt: skip
MOMENTS = {
    "dispatched_at": "task_offered", "delivered_at": "task_accepted", "accepted_at": "task_accepted", "arrived_at": "task_arrived",
    "handled_at": "task_handled", "verified_at": "task_verified", "closed_at": "task_closed",
}  # fmt: skip
BEGUN = {
    "found": [{"matter": 3, "event_at": MATTER["event_at"], "found_at": MATTER["found_at"]}],
    "clocks": [
        {"deadline": t["kind"], "matter": 3, "step": 0, "due_at": t["due_at"]}
        for t in TARGETS
        if t["kind"] != "escalate"
    ],
}
SINCE_EXACT = ("found", "clocks", "action", "result")
HOURS = ((1, 9), (10, 16))
"""The last two of the eighteen entries are not sealed yet."""
Event = Mapping[str, Any]


def a_key(seed: int = 1) -> SigningKey:
    return SigningKey(Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


def content_of(kind: str) -> bytes:
    return random.Random(kind).randbytes(PIECES[kind][2])


def stored(kind: str, content: bytes, task: int | None = TASK) -> Event:
    digest = hashlib.sha256(content).hexdigest()
    return {"type": "evidence_stored", "task": task, "evidence": str(PIECES[kind][0]), "sha256": digest}


def events_of(contents: Mapping[str, bytes]) -> list[Event]:
    """The log of a small city; a still is stored before anybody knows whose task it will be."""
    other: Event = {"type": "camera_status", "task": None, "camera": "C9"}
    return [
        other,
        stored("still", contents["still"], None),
        {"type": "task_opened", "task": TASK, "place": "南门", **BEGUN},
        {"type": "task_offered", "task": TASK, "to": "O1"},
        {"type": "task_opened", "task": 8},
        stored("clip", contents["clip"]),
        {"type": "task_accepted", "task": TASK, "officer": "O1"},
        other,
        {
            "type": "deadline_breached",
            "task": TASK,
            "deadline": "arrive",
            "matter": 3,
            "due_at": "2026-11-22T03:05:00+00:00",
        },
        stored("clip_copy", contents["clip_copy"]),
        {"type": "task_arrived", "task": TASK, "officer": "O1", "matters": [3]},
        {"type": "task_accepted", "task": 8},
        stored("photo", contents["photo"]),
        {
            "type": "task_handled",
            "task": TASK,
            "actor": "wang",
            "outcome": "handled",
            "deed": "d1",
            "action": "handle",
            "result": "done",
            "claimed_at": "2026-11-22T11:51:00.500000+08:00",
            "commitment": commitment(SALT, "stack shut", PLACE),
        },
        {"type": "task_verified", "task": TASK},
        {"type": "task_closed", "task": TASK},
        other,
        {"type": "custody", "task": TASK, "what": "viewed", "actor": "chen"},
    ]


def meddled(events: Sequence[Event]) -> list[Event]:
    """The same log, in which each entry that a camera machine may write tells of matters, clocks and deeds, first of all."""
    lies: Event = {
        "found": [{"matter": 3, "event_at": T0.isoformat(), "found_at": T0.isoformat()}], "decided_at": "yesterday",
        "clocks": [{"deadline": "accept", "matter": 9, "step": 0, "due_at": T0.isoformat()}], "deed": "d1", "commitment": "00",
    }  # fmt: skip
    cameras = ("camera_status", "evidence_stored")
    told = [{**event, **lies} if event["type"] in cameras else event for event in events]
    return [
        {**lies, "type": "finding_found", "task": TASK, "outcome": "false_alarm", "deed": "d9"},
        *told[1:],
    ]


def chained(events: Sequence[Event], *, exact: bool = True) -> list[Entry]:
    """As the sequencer writes them; else as it did before entries told moments and what they follow."""
    entries: list[Entry] = []
    before, last = GENESIS, dict[int, int]()
    for n, event in enumerate(events, 1):
        at, more = (T0 + timedelta(minutes=8 * n)).isoformat(), dict[str, Any]()
        if exact and (task := event["task"]):
            more, last[task] = {"prev_n": last.get(task)}, n
            if event["type"].startswith(("task_", "deadline_")):
                more["decided_at"] = at
        event = {k: v for k, v in event.items() if exact or k not in SINCE_EXACT}
        told = {"n": n, "at": at, "actor": None, **more, **event}
        if told.get("decided_at", at) is None:
            del told["decided_at"]  # by a program of before
        text = canonical(told)
        digest = link(before, text)
        entries.append(Entry(n=n, task=event["task"], prev_hash=before, hash=digest, text=text))
        before = digest
    return entries


def sealed(
    log: Sequence[Entry], key: SigningKey, hours: Sequence[tuple[int, int]] = HOURS
) -> list[SignedSeal]:
    seals: list[SignedSeal] = []
    prev_root = NO_ROOT
    for i, (first, last) in enumerate(hours):
        tree = Tree()
        for entry in log[first - 1 : last]:
            tree.add(leaf(entry.task, entry.hash))
        hour = T0 + timedelta(hours=i + 1)
        seal = Seal(hour=hour, n_first=first, n_last=last, root=tree.root(), prev_root=prev_root)
        seals.append(SignedSeal(seal, key.fingerprint, key.sign(seal.text.encode())))
        prev_root = seal.root
    return seals


@dataclass(kw_only=True)
class Paper:
    """What the service would hold. Change `events` or `contents`, or give another key, and pack anew."""

    folder: Path
    key: SigningKey = field(default_factory=a_key)
    contents: dict[str, bytes] = field(default_factory=lambda: {kind: content_of(kind) for kind in PIECES})
    events: list[Event] = field(default_factory=list)
    exact: bool = True

    def __post_init__(self) -> None:
        self.events = self.events or events_of(self.contents)

    @property
    def log(self) -> list[Entry]:
        return chained(self.events, exact=self.exact)

    def case(self) -> Case:
        log = self.log
        ours = {str(piece) for piece, _, _ in PIECES.values()}
        mine = [
            e
            for e in log
            if e.task == TASK or (e.task is None and json.loads(e.text).get("evidence") in ours)
        ]
        return Case(
            id=TASK,
            facts={
                "task": self._task(mine),
                "matters": [MATTER],
                "deadlines": TARGETS,
                "evidence": self._rows(),
                "actions": [DEED],
            },
            entries=mine,
            seals=sealed(log, self.key),
            stamps=[],
            keys={self.key.fingerprint: self.key.public_key},
            sealed_up_to=HOURS[-1][1],
        )

    def _task(self, log: Sequence[Entry]) -> dict[str, Any]:
        told = [json.loads(entry.text) for entry in log]
        first = {event["type"]: event for event in reversed(told)}
        moments = {name: first[kind]["at"] for name, kind in MOMENTS.items() if kind in first}
        ended = first.get("task_handled", {})
        return {"id": TASK, "opened_at": MATTER["found_at"], "outcome": ended.get("outcome"), **moments}

    def _rows(self) -> list[dict[str, Any]]:
        return [
            {"id": str(piece), "kind": kind, "state": "stored", "media_type": media_type,
             "sha256": hashlib.sha256(self.contents[kind]).hexdigest()}
            for kind, (piece, media_type, _) in PIECES.items()
        ]  # fmt: skip

    async def pack(self, case: Case | None = None) -> bytes:
        case, log, out = case or self.case(), self.log, io.BytesIO()
        blobs = BlobStore(self.folder)
        self.folder.mkdir(exist_ok=True)
        for content in self.contents.values():
            blobs.put_bytes(content)

        async def leaves(first: int, last: int) -> AsyncIterator[Sequence[tuple[int | None, bytes]]]:
            yield [(entry.task, entry.hash) for entry in log[first - 1 : last]]

        asked = Asked(by="chen", purpose="review", at=EXPORTED_AT)
        await export(case, leaves, blobs, self.key, asked, out)
        return out.getvalue()

    def roots(self) -> dict[str, dict[str, Any]]:
        """As `farwatch evidence roots` writes them."""
        return {
            s.seal.hour.isoformat(): {
                "n_first": s.seal.n_first, "n_last": s.seal.n_last, "root": s.seal.root.hex(), "key": s.key,
            }
            for s in sealed(self.log, self.key)
        }  # fmt: skip


def rewritten(files: Mapping[str, bytes]) -> bytes:
    """A sound ZIP around whatever is in it."""
    out = io.BytesIO()
    package = Package(out)
    for path, content in files.items():
        package.add(path, [content])
    package.finish()
    return out.getvalue()


def unpacked(content: bytes) -> dict[str, bytes]:
    archive = Archive(io.BytesIO(content))
    assert archive.damage == []
    return {name: archive.read(name) for name in archive.entries}


def packed(files: Mapping[str, bytes], key: SigningKey, manifest: Mapping[str, Any] | None = None) -> bytes:
    """A ZIP whose manifest fits these files again and is signed by `key`; `manifest` has what else it says."""
    out = io.BytesIO()
    package = Package(out)
    rest = {path: content for path, content in files.items() if not path.startswith("manifest.")}
    listed = [
        {"path": p.path, "size": p.size, "sha256": p.sha256, "sm3": p.sm3}
        for p in (package.add(path, [content]) for path, content in rest.items())
    ]
    told = {**json.loads(files["manifest.json"]), **(manifest or {}), "files": listed}
    told["key"] = key.fingerprint
    text = json.dumps(told, ensure_ascii=False, indent=1).encode() + b"\n"
    package.add("manifest.json", [text])
    package.add(
        "manifest.sig",
        [f"farwatch-manifest-1 {key.public_key.hex()} {key.sign(text).hex()}\n".encode()],
    )
    package.finish()
    return out.getvalue()


async def unsealed(paper: Paper, first_n: int, exported_at: str = EXPORTED_AT.isoformat()) -> bytes:
    """Another film, by the holder of the key: the whole log anew from another number on, under no seal."""
    film = {**paper.contents, "clip": b"another film"}
    files, lines, before = unpacked(await forged(paper, contents=film, events=[]).pack()), [], GENESIS
    last = None
    for n, old in enumerate(files["log.jsonl"].splitlines(), first_n):
        event = {**json.loads(json.loads(old)["text"]), "n": n}
        if event["task"] == TASK:
            event["prev_n"], last = last, n
        text = canonical(event)
        digest = link(before, text)
        lines.append({"n": n, "prev_hash": before.hex(), "hash": digest.hex(), "text": text})
        before = digest
    files["log.jsonl"] = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    files["seals.json"] = b'{"seals": []}'
    end = {"count": len(lines), "last_n": lines[-1]["n"], "last_hash": before.hex(), "unsealed": len(lines)}
    return packed(files, paper.key, {"events": end, "exported_at": exported_at})


def judged(content: bytes, paper: Paper, *, roots: bool = True) -> Verdict:
    """By the key and roots of `paper`, as somebody kept them elsewhere."""
    return verify(io.BytesIO(content), [paper.key.fingerprint], paper.roots() if roots else None)


def names(verdict: Verdict) -> set[str]:
    return {found.name for found in verdict.found}


def forged(paper: Paper, **changes: Any) -> Paper:
    return replace(paper, **changes)
