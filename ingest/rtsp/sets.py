"""What a stream says once and pictures need again: parameter sets and quantization tables. Bounded in size."""

from itertools import takewhile

from ingest.rtsp import mjpeg
from ingest.rtsp.frames import NalFormat, sets_among
from ingest.rtsp.nal import split_annex_b

_MOST_BYTES = 64 * 1024


class ParameterSets:
    """The newest VPS, SPS and PPS of one stream; puts those into key frames that key frames lack."""

    def __init__(self, nal: NalFormat, described: bytes) -> None:
        """`described`: what the description has, as Annex B."""
        self._nal = nal
        self.size: tuple[int, int] | None = None
        """Width and height of the pictures, when there is an SPS that makes sense."""
        self._units: dict[int, tuple[bytes, ...]] = {}
        self._learn([unit for unit in split_annex_b(described) if nal.nal_type(unit) in nal.SETS])

    @property
    def units(self) -> list[bytes]:
        """In the order in which a decoder wants them."""
        return [unit for kind in sorted(self._units) for unit in self._units[kind]]

    def complete(self, packets: list[bytes]) -> list[bytes]:
        """A key frame's packets with all sets in front; those that it has itself are the newest."""
        before = takewhile(lambda packet: not self._nal.is_picture_fragment(packet), packets)
        here = sets_among(self._nal.depacketise(before), self._nal)
        self._learn(here)
        if {self._nal.nal_type(unit) for unit in here} >= self._units.keys():
            return packets
        delimiter = 1 if self._nal.nal_type(packets[0]) == self._nal.ACCESS_UNIT_DELIMITER else 0
        return packets[:delimiter] + self.units + packets[delimiter:]

    def _learn(self, units: list[bytes]) -> None:
        if sum(map(len, units)) > _MOST_BYTES:
            return
        for kind in {self._nal.nal_type(unit) for unit in units}:
            newest = tuple(unit for unit in units if self._nal.nal_type(unit) == kind)
            if kind == self._nal.SPS and newest != self._units.get(kind):
                self.size = self._nal.picture_size(newest[0])
            self._units[kind] = newest


class QuantizationTables:
    """Tables of one MJPEG stream by their Q: some cameras send them with some pictures only (RFC 2435 §4.2)."""

    def __init__(self) -> None:
        self._tables: dict[int, bytes] = {}

    def complete(self, packets: list[bytes]) -> list[bytes] | None:
        """A picture's packets with its tables in the first one; None when these are not known."""
        first = packets[0]
        if not mjpeg.tables_missing(first):
            if (told := mjpeg.tables_of(first)) is not None:
                self._tables[told[0]] = told[1]
            return packets
        tables = self._tables.get(first[5])
        return None if tables is None else [mjpeg.with_tables(first, tables), *packets[1:]]
