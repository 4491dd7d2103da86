"""Runs a program that refuses to be root, without changing the permissions of anything.

PostgreSQL will not run as root. As root the process enters a user namespace in which it is user 1000: to the kernel
outside it is still root, so it can read the virtual environment and its data folder as they are, and nothing has to be
opened to anybody else. Used as `python -m server.embedded.unprivileged PROGRAM ARG...`; when not root it only executes.
"""

import ctypes
import os
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000
INSIDE_ID = 1000


def enter_user_namespace() -> None:
    """Raises OSError where the kernel or the container does not allow user namespaces."""
    uid, gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "user namespaces are not allowed here")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{INSIDE_ID} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{INSIDE_ID} {gid} 1")


def main() -> None:
    if os.geteuid() == 0:
        enter_user_namespace()
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606


if __name__ == "__main__":
    main()
