"""Verifies a Farwatch evidence ZIP, offline; put together with its neighbours by `single`, with Python 3.11 and nothing else:

    python3 verify.py FILE.zip --key FINGERPRINT_OR_PEM [--key …] [--roots FILE]

The key and the roots must come from elsewhere than the ZIP: from a printed report, from what was kept. So should this
file. One line for each thing that is wrong, by name and place; exit code 0 when there is none, 1 when there is, 2 when
it was called wrongly.
"""

import argparse
import hashlib
import itertools
import json
import re
import struct
import sys
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from alerting.verifier.gaps import left_out, unproven_hours
from alerting.verifier.given import read_key, read_roots
from alerting.verifier.hashes import fingerprint, is_signed, new_sm3
from alerting.verifier.layout import Archive, Found
from alerting.verifier.rows import deadlines_told, deeds_told, is_exact, matters_told, moments_told
from alerting.verifier.told import OF_CAMERAS, deeds, old, pieces, told_again

MANIFEST, SIGNATURE, LOG, SEALS = "manifest.json", "manifest.sig", "log.jsonl", "seals.json"
MOST_SWAPS = 40
GOOD = "the case is what was sealed and signed"
SIGNER_SAYS = (
    "findings, readings, choices, reviews, holds, the registry and a matter's kind, severity and end"
    " are as the signer says: no entry of the log is held against them"
)
OLD_ROWS = "the case is of before the log told moments: they hold to ten minutes, and what no entry tells the signer says"
_SIGNED = re.compile(rb"farwatch-manifest-1 ([0-9a-f]{64}) ([0-9a-f]{128})\n")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?\+00:00")
"""As the service writes every time: such texts are in the order of the times."""
LATE = timedelta(minutes=10)
"""An entry gets its number when its transaction is over, so a seal may lack one that was begun so long before its hour."""
UNREADABLE = (
    ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, OverflowError, struct.error,
)  # fmt: skip
"""What texts raise that are not what they should be."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an outside authority said of a seal's root; whoever has a library for it can verify that."""

    hour: str
    root: bytes
    authority: str
    token: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    found: Sequence[Found]
    notes: Sequence[str]
    manifest: Mapping[str, Any]
    stamps: Sequence[Stamp]
    case: str
    """Which case, of when: another one, or an older export of this one, is as well sealed and signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An entry of the log as log.jsonl has it; `event` is its text, read."""

    n: int
    prev_hash: bytes
    hash: bytes
    text: str
    event: Mapping[str, Any]


def link(prev_hash: bytes, text: str) -> bytes:
    return hashlib.sha256(prev_hash + text.encode()).digest()


def _before(hour: str) -> str:
    """From when on an entry may not be under the seal of this hour yet."""
    return (datetime.fromisoformat(hour) - LATE).isoformat()


def merkle_root(leaves: Iterable[bytes]) -> bytes:
    level = list(leaves)
    while len(level) > 1:
        paired = [
            hashlib.sha256(b"\1" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)
        ]
        level = paired + level[len(paired) * 2 :]
    return level[0]


class Check:
    """One verification. `trusted`: fingerprints of keys; `roots`: what was kept elsewhere, by hour, None where nothing was."""

    def __init__(
        self, archive: Archive, trusted: frozenset[str], roots: Mapping[str, Mapping[str, Any]] | None
    ) -> None:
        self.archive, self.roots = archive, roots
        self.trusted, self.kept = trusted, {str(r["key"]) for r in (roots or {}).values()}
        self.found: list[Found] = [*archive.damage]
        self.notes: list[str] = []
        self.manifest: Mapping[str, Any] = {}
        self.task: int | None = None
        self.lines: list[Line] = []
        self.sealed: dict[int, tuple[int, bytes]] = {}
        self.stamps: list[Stamp] = []

    def run(self) -> Verdict:
        steps: tuple[tuple[Callable[[], None], str], ...] = (
            (self._signature, SIGNATURE), (self._manifest, MANIFEST), (self._files, MANIFEST), (self._log, LOG),
            (self._seals, SEALS), (self._sealed, SEALS), (self._counts, MANIFEST), (self._evidence, MANIFEST),
            (self._deeds, MANIFEST), (self._rows, MANIFEST), (self._left_out, LOG),
        )  # fmt: skip
        for step, name in steps:
            try:
                step()
            except UNREADABLE as error:
                missing = isinstance(error, KeyError) and name not in self.archive.entries
                self.say(
                    "file_missing" if missing else "manifest_changed" if name == MANIFEST else "file_changed",
                    name,
                    "unreadable",
                )
        return Verdict(list(dict.fromkeys(self.found)), self.notes, self.manifest, self.stamps, self._case())

    def _case(self) -> str:
        told, last = self.manifest.get, self.lines[-1].n if self.lines else 0
        who = f"exported {told('exported_at')} by {told('exported_by')} for {told('purpose')}"
        ends = f"{len(self.lines)} events up to n = {last}, sealed up to n = {max(self.sealed, default=0)}"
        return f"case {self.task}, {who}, {ends}".encode("unicode_escape").decode()

    def say(self, name: str, place: object, detail: str = "") -> None:
        self.found.append(Found(name, str(place), detail))

    def _signature(self) -> None:
        signed = _SIGNED.fullmatch(self.archive.read(SIGNATURE))
        if signed is None:
            return self.say("signature_wrong", SIGNATURE, "not a signature of ours")
        key, signature = bytes.fromhex(signed[1].decode()), bytes.fromhex(signed[2].decode())
        if fingerprint(key) not in self.trusted:
            self.say("key_unknown", fingerprint(key), "signed the manifest")
        if not is_signed(key, signature, self.archive.read(MANIFEST)):
            self.say("signature_wrong", MANIFEST)
        return None

    def _manifest(self) -> None:
        manifest = json.loads(self.archive.read(MANIFEST))
        self.task, self.manifest = int(manifest["task"]["id"]), manifest

    def _files(self) -> None:
        listed = {str(f["path"]): f for f in self.manifest["files"]}
        for path in sorted(listed.keys() - self.archive.entries.keys()):
            self.say("file_missing", path)
        for path in sorted(self.archive.entries.keys() - listed.keys() - {MANIFEST, SIGNATURE}):
            self.say("file_extra", path)
        for path, entry in self.archive.entries.items():
            crc, digest, sm3 = 0, hashlib.sha256(), new_sm3()
            for chunk in self.archive.chunks(path):
                crc = zlib.crc32(chunk, crc)
                digest.update(chunk)
                sm3.update(chunk)
            told = listed.get(path)
            if told is not None and (digest.hexdigest(), entry.size) != (told["sha256"], told["size"]):
                self.say("file_changed", path)
            elif told is not None and sm3.hexdigest() != told["sm3"]:
                self.say("sm3_differs", path)
            elif crc != entry.crc:
                self.say("zip_damaged", path, "its CRC-32 is another")

    def _log(self) -> None:
        *texts, end = self.archive.read(LOG).decode().split("\n")
        for at, text in enumerate([*texts, *([end] if end else [])], 1):
            try:
                self.lines.append(self._line(json.loads(text)))
            except UNREADABLE:
                self.say("entry_changed", f"line {at}", "unreadable")
        for before, line in zip(self.lines, self.lines[1:], strict=False):
            if line.n <= before.n:
                self.say("entries_swapped", f"n = {before.n}, {line.n}")
            elif line.n == before.n + 1 and line.prev_hash != before.hash:
                self.say("link_broken", f"n = {line.n}")
        for line in self.lines:
            if line.event["n"] != line.n:
                self.say("entries_swapped", f"n = {line.n}, {line.event['n']}")
            elif link(line.prev_hash, line.text) != line.hash:
                self.say("entry_changed", f"n = {line.n}")
            elif self.task is not None and line.event["task"] not in (None, self.task):
                self.say("entry_changed", f"n = {line.n}", "of another task")

    @staticmethod
    def _line(told: Mapping[str, Any]) -> Line:
        event = json.loads(told["text"])
        if not {"n", "type", "task"} <= event.keys() or not _TIME.fullmatch(event["at"]):
            raise ValueError("not an event")
        prev_hash, digest = bytes.fromhex(told["prev_hash"]), bytes.fromhex(told["hash"])
        return Line(n=int(told["n"]), prev_hash=prev_hash, hash=digest, text=told["text"], event=event)

    def _seals(self) -> None:
        before: Mapping[str, Any] | None = None
        for told in json.loads(self.archive.read(SEALS))["seals"]:
            seal = json.loads(told["text"])
            hour, key = str(seal["hour"]), bytes.fromhex(told["public_key"])
            if fingerprint(key) not in self.trusted | self.kept:
                self.say("key_unknown", fingerprint(key), f"signed the seal of {hour}")
            if not is_signed(key, bytes.fromhex(told["signature"]), told["text"].encode()):
                self.say("seal_signature_wrong", hour)
            leaves = [(int(task), bytes.fromhex(digest)) for task, digest in told["leaves"]]
            hashed = (
                hashlib.sha256(b"\0" + task.to_bytes(8, "big") + digest).digest() for task, digest in leaves
            )
            if (
                len(leaves) != seal["n_last"] - seal["n_first"] + 1
                or merkle_root(hashed).hex() != seal["root"]
            ):
                self.say("root_differs", hour)
            if before and (
                seal["n_first"] <= before["n_last"]
                or (seal["n_first"] == before["n_last"] + 1 and seal["prev_root"] != before["root"])
            ):
                self.say("link_broken", f"seal of {hour}")
            known = (self.roots or {}).get(hour)
            if self.roots is not None and (
                known is None or any(known[k] != seal[k] for k in ("n_first", "n_last", "root"))
            ):
                self.say("root_not_known", hour)
            self.sealed |= dict(enumerate(leaves, seal["n_first"]))
            for stamp in told["stamps"]:
                token = bytes.fromhex(stamp["token"])
                self.stamps.append(Stamp(hour, bytes.fromhex(seal["root"]), str(stamp["authority"]), token))
            before = seal
        if self.roots is None:
            self.notes.append("no roots were given: whoever has the key could have made all of this anew")

    def _sealed(self) -> None:
        """Each entry under its leaf, each leaf of the task an entry."""
        by_n, known = {line.n: line for line in self.lines}, self._known_then()
        last_sealed = max([*self.sealed, *(int(root["n_last"]) for root in known.values())], default=0)
        sealed_until = max((_before(hour) for hour in known), default="")
        wrong = [
            n for n, line in by_n.items()
            if (n <= last_sealed or line.event["at"] < sealed_until)
            and self.sealed.get(n) != (line.event["task"] or 0, line.hash)
        ]  # fmt: skip
        for n in wrong:
            why = (
                "its hour's seal holds another entry"
                if n in self.sealed
                else "under no seal, and its hour was sealed"
            )
            self.say("leaf_missing", f"n = {n}", why)
        if self.roots is not None and not self.sealed.keys() & by_n.keys():
            self.say("leaf_missing", LOG, "none of it lies under any seal")
        for n, line in by_n.items():
            if n - 1 in self.sealed and self.sealed[n - 1][1] != line.prev_hash:
                self.say("link_broken", f"n = {n}")
        for a, b in itertools.permutations(wrong[:MOST_SWAPS], 2):
            if self._was(by_n[a], by_n[b]):
                self.say("entries_swapped", f"n = {min(a, b)}, {max(a, b)}")
        self._missing(
            frozenset(n for n, (task, _) in self.sealed.items() if task == self.task and n not in by_n)
        )

    def _known_then(self) -> Mapping[str, Mapping[str, Any]]:
        """Of the roots kept elsewhere those that there were when the case was exported, which was after all that its log tells,
        whatever the manifest says."""
        exported_at = str(self.manifest.get("exported_at", ""))
        if not _TIME.fullmatch(exported_at):
            self.say("manifest_changed", MANIFEST, "no time of its export")
        then = max([exported_at, *(line.event["at"] for line in self.lines)])
        return {hour: root for hour, root in (self.roots or {}).items() if hour <= then}

    def _was(self, line: Line, other: Line) -> bool:
        """Stood this very event in the other's place when it was sealed?"""
        texts = {line.text.replace(f'"n":{line.n}', f'"n":{other.n}', 1)}
        for name in ("at", "prev_n", "decided_at"):
            old, new = (f'"{name}":{json.dumps(one.event.get(name))}' for one in (line, other))
            texts |= {text.replace(old, new, 1) for text in texts}
        before, there = self.sealed.get(other.n - 1), self.sealed.get(other.n)
        return before is not None and there is not None and any(link(before[1], t) == there[1] for t in texts)

    def _missing(self, numbers: frozenset[int]) -> None:
        for first in sorted(n for n in numbers if n - 1 not in numbers):
            last = first
            while last + 1 in numbers:
                last += 1
            self.say("events_missing", f"n = {first}" + (f" to {last}" if last > first else ""))

    def _counts(self) -> None:
        told, last = self.manifest["events"], self.lines[-1] if self.lines else None
        if told["count"] != len(self.lines) or (
            last and (told["last_n"], told["last_hash"]) != (last.n, last.hash.hex())
        ):
            place = (
                f"after n = {last.n if last else 0}"
                if told["last_n"] > (last.n if last else 0)
                else f"up to n = {told['last_n']}"
            )
            self.say(
                "events_missing",
                place,
                f"the manifest counts {told['count']} and ends with n = {told['last_n']}, the log {len(self.lines)}",
            )
        if unsealed := sum(line.n not in self.sealed for line in self.lines):
            self.notes.append(
                f"{unsealed} of the events lie under no seal yet: export again after the full hour"
            )

    def _evidence(self) -> None:
        self.found += pieces([line.event for line in self.lines], self.manifest)

    def _deeds(self) -> None:
        events = [line.event for line in self.lines]
        self.found += deeds(events, self.manifest)
        if unproven := old(events, self.manifest):
            self.notes.append(
                f"{unproven} of the deeds are of before the log committed to any: nothing proves what they say"
            )
        if again := told_again(events):
            self.notes.append(
                f"{again} of the events tell of a piece or a deed otherwise than the first, which counts"
            )

    def _rows(self) -> None:
        """What of the rows the log tells must be so there; the rest is what the signer says."""
        events = [line.event for line in self.lines if line.event["type"] not in OF_CAMERAS]
        for held in (deeds_told, moments_told, matters_told, deadlines_told):
            self.found += held(events, self.manifest)
        if not is_exact(events):
            self.notes.append(OLD_ROWS)
        self.notes.append(SIGNER_SAYS)

    def _left_out(self) -> None:
        given = ([line.event for line in self.lines], self.task, self.sealed, self.roots or {})
        self.found += left_out(*given)
        if hours := unproven_hours(*given):
            self.notes.append(
                f"nothing proves that no event of the case is left out of {len(hours)} kept hours, from {hours[0]} on"
            )


def verify(
    file: BinaryIO, trusted: Iterable[str], roots: Mapping[str, Mapping[str, Any]] | None = None
) -> Verdict:
    """`trusted`: fingerprints. Raises nothing for what is in the file, however hostile; OSError when it cannot be read."""
    return Check(Archive(file), frozenset(trusted), roots).run()


def tell(case: str, found: Sequence[Found], notes: Sequence[str]) -> int:
    """Prints a verdict; returns the exit code."""
    print(case)
    for line in (*found, *(f"note: {note}" for note in notes)):
        print(line)
    print(f"{len(found)} things are wrong" if found else GOOD)
    return 1 if found else 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Verifies a Farwatch evidence ZIP, offline.")
    parser.add_argument("file", type=Path, metavar="FILE.zip")
    parser.add_argument(
        "--key", action="append", required=True, help="fingerprint, or PEM file of the public key"
    )
    parser.add_argument(
        "--roots", metavar="FILE", help="what `farwatch evidence roots` wrote, kept elsewhere"
    )
    args = parser.parse_args(arguments)
    try:
        trusted = [read_key(key) for key in args.key]
        roots = read_roots(args.roots) if args.roots else None
        with args.file.open("rb") as file:
            verdict = verify(file, trusted, roots)
    except (OSError, *UNREADABLE) as error:
        print(f"verify: {error}", file=sys.stderr)
        return 2
    not_here = "time stamps were not verified here: `farwatch evidence verify --tsa-certificate` does"
    return tell(
        verdict.case,
        verdict.found,
        [*verdict.notes, *([f"{len(verdict.stamps)} {not_here}"] if verdict.stamps else [])],
    )


if __name__ == "__main__":
    sys.exit(main())
