"""Bits of a NAL unit: fixed fields and Exp-Golomb numbers (H.264 §9.1), without the emulation prevention bytes."""


class BitReader:
    """Reads from the front. Raises ValueError beyond the end, and for Exp-Golomb numbers of more than 32 bits."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def bits(self, count: int) -> int:
        if count > self._left:
            raise ValueError("the bits have come to an end")
        self._left -= count
        return self._value >> self._left & (1 << count) - 1

    def flag(self) -> bool:
        return self.bits(1) == 1

    def number(self) -> int:
        """ue(v)."""
        zeros = 0
        while not self.flag():
            zeros += 1
            if zeros > 32:
                raise ValueError("an Exp-Golomb number of more than 32 bits")
        return (1 << zeros) - 1 + self.bits(zeros)

    def signed(self) -> int:
        """se(v)."""
        number = self.number()
        return (number + 1) // 2 if number % 2 else -(number // 2)


def without_emulation(unit: bytes) -> bytes:
    """What the encoder meant, before it put a three behind two zeros (H.264 §7.4.1, H.265 §7.4.2)."""
    return unit.replace(b"\x00\x00\x03", b"\x00\x00")
