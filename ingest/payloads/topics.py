"""The topics that stations publish to, and what each says: the words it speaks, the station, and the kind. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from farwatch.domain.reading import ReadingKind
from ingest.payloads.measurement import Refusal

OWN_TOPICS = "farwatch/v1/+/+"
OTHER_TOPICS = ("hj212/+/up", "senml/+", "senml/+/+")


class Words(StrEnum):
    """In which words a payload speaks: JSON of our own or keyed as HJ 212, frames of HJ 212, or SenML."""

    JSON = "json"
    HJ212 = "hj212"
    SENML = "senml"


@dataclass(frozen=True, slots=True)
class Route:
    """Frames say their kind themselves."""

    words: Words
    mn: str
    kind: ReadingKind = ReadingKind.RTD


LONGEST_TOPIC = 128
"""No station's name makes a longer one; what is remembered of topics stays bounded."""


def route(topic: str) -> Route | Refusal:
    """Never raises: a topic that nobody agreed on is a refusal."""
    return _known(topic) if len(topic) <= LONGEST_TOPIC else Refusal("bad_topic", topic[:200])


@lru_cache(maxsize=50_000)
def _known(topic: str) -> Route | Refusal:
    match topic.split("/"):
        case ["farwatch", "v1", mn, kind] if mn and kind in ReadingKind.__members__.values():
            return Route(Words.JSON, mn, ReadingKind(kind))
        case ["hj212", mn, "up"] if mn:
            return Route(Words.HJ212, mn)
        case ["senml", mn] if mn:
            return Route(Words.SENML, mn)
        case ["senml", mn, kind] if mn and kind in ReadingKind.__members__.values():
            return Route(Words.SENML, mn, ReadingKind(kind))
    return Refusal("bad_topic", topic)


def answers_topic(mn: str) -> str:
    """Where a station that speaks HJ 212 over MQTT listens."""
    return f"hj212/{mn}/down"
