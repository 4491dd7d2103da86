"""The topics that stations publish to, and what each says: the way in, the station, and the kind where it is named. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from farwatch.domain.reading import ReadingKind
from ingest.payloads.measurement import Refusal

SUBSCRIPTIONS = ("farwatch/v1/+/+",)


class Way(StrEnum):
    """In which words a payload speaks."""

    OWN = "own"


@dataclass(frozen=True, slots=True)
class Route:
    """`kind` is set where the topic names it."""

    way: Way
    mn: str
    kind: ReadingKind


@lru_cache(maxsize=50_000)
def route(topic: str) -> Route | Refusal:
    """Never raises: a topic that nobody agreed on is a refusal."""
    match topic.split("/"):
        case ["farwatch", "v1", mn, kind] if mn and kind in ReadingKind.__members__.values():
            return Route(Way.OWN, mn, ReadingKind(kind))
    return Refusal("bad_topic", topic[:200])


def answers_topic(mn: str) -> str:
    """Where a station that speaks HJ 212 over MQTT listens."""
    return f"hj212/{mn}/down"
