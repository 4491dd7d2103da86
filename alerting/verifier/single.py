"""The verifier as one file, for machines that have Python and nothing of Farwatch."""

import re
from importlib import resources

_PARTS = ("hashes.py", "layout.py", "told.py", "rows.py", "gaps.py", "given.py", "verify.py")
_FIRST_LINE = "#!/usr/bin/env python3\n"
_OURS = re.compile(r"^from alerting\.verifier\.\w+ import .*\n", re.MULTILINE)


def command() -> bytes:
    """verify.py: its modules one after the other, without what they import from each other."""
    folder = resources.files("alerting.verifier")
    texts = (_OURS.sub("", folder.joinpath(name).read_text("utf-8")) for name in _PARTS)
    return (_FIRST_LINE + "\n\n".join(texts)).encode()


def page() -> bytes:
    """verify.html."""
    return resources.files("alerting.verifier").joinpath("verify.html").read_bytes()
