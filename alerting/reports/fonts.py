"""Which font a report is set in: one that is embedded if there is any, else one that every reader for Chinese brings along."""

from contextlib import suppress
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFError, TTFont

READERS_OWN = "STSong-Light"
_NAME = "FarwatchReport"
KNOWN = (
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/wqy-zenhei/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/arphic/uming.ttc",
    "/usr/share/fonts/truetype/arphic/ukai.ttc",
)
"""TrueType outlines: those of Noto CJK and Source Han (CFF) cannot be embedded by reportlab."""


NEEDED = "0aA%:÷—中镇"


class FontError(Exception):
    """The font that the settings name cannot be embedded."""


def font(chosen: Path | None) -> str:
    """The name under which the font is known from now on. Raises FontError for a chosen one that cannot be used."""
    if chosen is not None:
        try:
            return _embedded(chosen)
        except (TTFError, OSError) as error:
            raise FontError(f"{chosen}: {error}") from None
    for path in map(Path, KNOWN):
        if path.exists():
            with suppress(TTFError, OSError):
                return _embedded(path)
    return readers_own()


def readers_own() -> str:
    if READERS_OWN not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(UnicodeCIDFont(READERS_OWN))
    return READERS_OWN


def _embedded(path: Path) -> str:
    """Raises TTFError, OSError. Some fonts with Chinese leave digits and letters to others: those would not be seen."""
    name = f"{_NAME}-{path.name}"
    if name not in pdfmetrics.getRegisteredFontNames():
        font = TTFont(name, str(path))
        if missing := [c for c in NEEDED if ord(c) not in font.face.charToGlyph]:
            raise TTFError(f"has no {missing[0]!r}")
        pdfmetrics.registerFont(font)
    return name
