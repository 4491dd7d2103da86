"""What the log told of pieces and deeds, held against the manifest's rows. Told twice it counts as it was told first: whoever may
write to the log can only add to it."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from alerting.verifier.layout import Found

Event = Mapping[str, Any]
OF_CAMERAS = ("finding_found", "evidence_stored", "camera_status")
"""What machines write that watch cameras: what they tell of deeds, moments and clocks counts for nothing."""
_NOWHERE = {"lat": None, "lon": None, "accuracy_m": None}


def _first(events: Sequence[Event], types: Sequence[str], what: str) -> dict[str, Event]:
    """By piece the first entry of these types that tells `what`. What names no piece tells nothing."""
    told: dict[str, Event] = {}
    for event in events:
        if event["type"] in types and event.get(what) is not None and isinstance(event.get("evidence"), str):
            told.setdefault(event["evidence"], event)
    return told


def commits(event: Event) -> bool:
    """Does it stand for what a deed said?"""
    return isinstance(event.get("deed"), str) and "commitment" in event and event["type"] not in OF_CAMERAS


def _commitments(events: Sequence[Event]) -> dict[str, Any]:
    """By deed the first that an entry tells."""
    told: dict[str, Any] = {}
    for event in filter(commits, events):
        told.setdefault(event["deed"], event["commitment"])
    return told


def told_again(events: Sequence[Event]) -> int:
    """How many entries tell of a piece or a deed otherwise than the first one did."""
    stored, committed = _first(events, ["evidence_stored"], "sha256"), _commitments(events)
    others = [e for e in events if e["type"] == "evidence_stored" and isinstance(e.get("evidence"), str)]
    again = [e.get("sha256") != stored.get(e["evidence"], e).get("sha256") for e in others]
    again += [e["commitment"] != committed[e["deed"]] for e in filter(commits, events)]
    return again.count(True)


def _is_old(events: Sequence[Event], row: Event) -> bool:
    """A deed of before deeds were named in the log: such entries of deeds stand in front of all that commit to something."""
    nameless: list[str] = []
    for event in events:
        if commits(event):
            break
        if event["type"] in ("task_accepted", "task_arrived", "task_handled") and "deed" not in event:
            nameless.append(event["at"])
    kept = row["salted_with"] is None and row.get("erased_at") is None
    return kept and str(row.get("received_at")) <= max(nameless, default="")


def old(events: Sequence[Event], manifest: Event) -> int:
    """How many deeds are of before the log committed to any."""
    told = _commitments(events)
    return sum(r["client_id"] not in told and _is_old(events, r) for r in manifest.get("actions", []))


def pieces(events: Sequence[Event], manifest: Event) -> Iterator[Found]:
    """Every stored piece is the one of which the log said at once what its hash is; what is not there was purged, and told so."""
    told = _first(events, ["evidence_stored"], "sha256")
    sm3 = _first(events, ["evidence_stored", "evidence_hashed"], "sm3")
    purged = {(str(e.get("evidence")), e.get("sha256")) for e in events if e["type"] == "evidence_purged"}
    files = {str(f["path"]): f for f in manifest["files"]}
    for id_ in sorted(told.keys() - {str(row["id"]) for row in manifest["evidence"]}):
        yield Found("file_missing", f"evidence {id_}", f"n = {told[id_]['n']} tells of it")
    for row in manifest["evidence"]:
        id_, path = str(row["id"]), str(row.get("path") or "")
        place, first = path or f"evidence {id_}", told.get(id_)
        if row["sha256"] is not None and (first is None or row["sha256"] != first["sha256"]):
            why = f"n = {first['n']} tells another hash" if first else "no entry of the log tells of it"
            yield Found("file_changed", place, why)
        if path and files[path]["sha256"] != row["sha256"]:
            yield Found("file_changed", place, "it was damaged when it was exported")
        if path and not {row.get("sm3"), sm3.get(id_, {}).get("sm3")} <= {None, files[path]["sm3"]}:
            yield Found("sm3_differs", place, "its row or the log tells another")
        if not path and row["state"] == "stored":
            yield Found("file_missing", place, "its bytes were missing when it was exported")
        elif not path and first is not None and (id_, first["sha256"]) not in purged:
            yield Found("file_missing", place, "no entry of the log tells that it was purged")


def deeds(events: Sequence[Event], manifest: Event) -> Iterator[Found]:
    """Each note and position is the one that the log committed to, or the log tells that it was erased; and none is missing."""
    told, rows = _commitments(events), manifest.get("actions", [])
    erased = {str(event.get("deed")) for event in events if event["type"] == "note_erased"}
    for id_ in sorted(told.keys() - {row["client_id"] for row in rows}):
        yield Found("commitment_differs", f"deed {id_}", "its row is missing")
    for row in rows:
        id_, said = row["client_id"], json.loads(row["committed"])
        shown = {"note": row["note"], **{name: row[name] for name in _NOWHERE}}
        stands = shown == {"note": said["note"], **(said["position"] or _NOWHERE)}
        if row["salted_with"] is None:
            stands = stands and shown == {"note": "", **_NOWHERE} and id_ in erased
        else:
            salted = bytes.fromhex(row["salted_with"]) + row["committed"].encode()
            stands = stands and hashlib.sha256(salted).hexdigest() == told.get(id_)
        if id_ not in told and _is_old(events, row):
            continue
        if id_ not in told:
            yield Found("commitment_differs", f"deed {id_}", "no entry of the log tells of it")
        elif not stands:
            yield Found("commitment_differs", f"deed {id_}")
