"""A port that nobody can listen on is told before anything starts."""

import socket

import pytest

from server.commands import CommandError, require_port


def test_a_port_in_use_is_told_unless_a_predecessor_may_have_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        require_port("127.0.0.1", port, may_be_in_use=True)
        with pytest.raises(CommandError, match=f"port {port} on 127.0.0.1 is in use"):
            require_port("127.0.0.1", port)
    require_port("127.0.0.1", port)
