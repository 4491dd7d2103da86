"""What the platform answers to a packet, as the packet's dialect wants it."""

from ingest.hj212.encode import encode, framed
from ingest.hj212.frame import FrameVerdict
from ingest.hj212.packet import VERSION_SHIFT, Packet

NOTIFY_ACKNOWLEDGED = "9013"
DATA_ACKNOWLEDGED = "9014"
_NOTIFIES = ("1001", "1013", "1014", "9015")
"""Hardware numbers (2025), a wish for the time, a wish for a new key (2025), the heartbeat (2025)."""
_ANSWERS = ("9011", "9012", "9013", "9014")
_RESULT = "9012"
_SYSTEM_INTERACTION = "91"


def answer_to(packet: Packet, crc: FrameVerdict = FrameVerdict.PASS) -> bytes | None:
    """The frame to send back, with the packet's own request number and version; None: none is wanted, or none is possible.

    Only the lowest bit of Flag asks for an answer, and without a request number there is nothing to answer by. A notify
    gets 9013, anything else 9014; answers are not answered, but for the result of a command in 2005. `crc` is the verdict that the
    packet's frame got: a logger that computes MODBUS is answered in MODBUS.
    """
    if not packet.wants_answer or not packet.qn:
        return None
    if packet.cn in _ANSWERS and (packet.cn, packet.dialect) != (_RESULT, 2005):
        return None
    cn = NOTIFY_ACKNOWLEDGED if packet.cn in _NOTIFIES else DATA_ACKNOWLEDGED
    if crc not in (FrameVerdict.MODBUS, FrameVerdict.MODSWAP):
        crc = FrameVerdict.PASS
    if packet.dialect == 2005:
        return _of_2005(packet, cn, crc)
    return encode(
        mn=packet.mn, cn=cn, st=_SYSTEM_INTERACTION, pw=packet.pw, qn=packet.qn,
        flag=(packet.flag or 0) >> VERSION_SHIFT << VERSION_SHIFT, crc=crc,
    )  # fmt: skip


def _of_2005(packet: Packet, cn: str, crc: FrameVerdict) -> bytes:
    """HJ/T 212-2005 Appendix C: the request number is content; 9014 says which command, and which part of a split one."""
    if cn == NOTIFY_ACKNOWLEDGED:
        return encode(
            mn=packet.mn,
            cn=cn,
            st=_SYSTEM_INTERACTION,
            pw=packet.pw,
            flag=0,
            content=f"QN={packet.qn}",
            crc=crc,
        )
    part = (
        f";PNO={packet.pno};PNUM={packet.pnum}" if packet.pno is not None and packet.pnum is not None else ""
    )
    content = f"QN={packet.qn};CN={packet.cn}{part}"
    return framed(f"ST={_SYSTEM_INTERACTION};CN={cn};CP=&&{content}&&".encode(), crc=crc)
