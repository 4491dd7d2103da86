"""What a process and its descendants have used, read from /proc: a child that ended counts once its parent waited for it."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Use:
    """`cpu_s` is user and system time since each process began; `resident_bytes` counts shared pages in every process."""

    cpu_s: float
    resident_bytes: int


def tree(pid: int) -> list[int]:
    """The process and its living descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid]
    for parent in found:
        found += children.get(parent, [])
    return found


def resident_mb(pid: int) -> dict[str, float]:
    """By role of `farwatch serve`, those of one role together, shared pages in every process; `serve` is what keeps them."""
    found: dict[str, float] = {}
    for one in tree(pid):
        if fields := _stat(one):
            found[_role(one)] = found.get(_role(one), 0.0) + int(fields[21]) * _PAGE_BYTES / 1e6
    return found


def use(pid: int) -> Use:
    cpu_ticks = pages = 0
    for one in tree(pid):
        fields = _stat(one)
        if fields:
            cpu_ticks += sum(int(n) for n in fields[11:15])
            pages += int(fields[21])
    return Use(cpu_ticks / _TICKS_PER_S, pages * _PAGE_BYTES)


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the state on; none when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _role(pid: int) -> str:
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return "ended"
    return arguments[arguments.index("role") + 1] if "role" in arguments else "serve"
