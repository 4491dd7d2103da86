"""JSON keyed as HJ 212 names its fields, as many gateways publish it. Pure.

    {"DataTime": "20260101120000", "a21026-Rtd": 31.2, "a21026-ZsRtd": 40.1, "a21026-Flag": "N"}

On the topics of Farwatch's own JSON, which name the kind; told apart by `DataTime` where the other has `values`.
"""

from ingest.hj212.packet import Malformed, Packet
from ingest.hj212.readings import KINDS, readings_of
from ingest.payloads.frames import of_sample
from ingest.payloads.measurement import MOST_CODES, Decoded, refused
from ingest.payloads.topics import Route

_COMMANDS = {kind: cn for cn, kind in reversed(KINDS.items())}
_MOST_FIELDS = 8 * MOST_CODES
"""Value, minimum, maximum, two converted, amount, two flags."""


def is_keyed(said: object) -> bool:
    return isinstance(said, dict) and "DataTime" in said and "values" not in said


def decode(to: Route, said: dict[str, object]) -> Decoded:
    """Numbers may be written as texts. What is no number is left out, with the code's other fields kept."""
    named = said.get("MN", to.mn)
    if named != to.mn:
        return refused("foreign_mn", str(named)[:80])
    if len(said) > _MOST_FIELDS:
        return refused("bad_payload", f"more than {_MOST_FIELDS} fields")
    content = tuple((name, str(value)) for name, value in said.items())
    sample = readings_of(Packet(mn=to.mn, cn=_COMMANDS[to.kind], content=content))
    if sample is None:
        return refused("bad_payload", "no values")
    if isinstance(sample, Malformed):
        return refused(sample.reason, sample.detail)
    return of_sample(to.mn, sample)
