"""Runs a program that ends when its parent does, also when that is killed: the kernel sends it SIGTERM.

Used as `python -m server.embedded.with_parent PROGRAM ARG...`; for programs that know nothing of us. Linux only.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent = int(sys.argv[1])
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(1)  # it died before the kernel was told
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606


if __name__ == "__main__":
    main()
