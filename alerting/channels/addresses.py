"""What is known to be wrong with a channel's address before anything is sent. Pure."""

import ipaddress
from urllib.parse import urlsplit

WEBHOOKS = ("webhook+http", "webhook+https")


def problem_with(url: str) -> str | None:
    """Why nothing can be sent there, without the address; None when nothing is known to be wrong."""
    if url.partition("://")[0].lower() not in WEBHOOKS:
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "is not an address"
    if not host:
        return "has no host"
    if parts.scheme == "webhook+http" and not _is_loopback(host):
        return "must be webhook+https:// unless it is on this machine"
    return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
