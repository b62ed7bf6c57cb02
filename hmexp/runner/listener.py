"""A port of this machine that a command listens on."""

import socket
from errno import EADDRINUSE, EADDRNOTAVAIL

from hmexp.config.errors import UserError, invalid

WAITING = 512
"""Connections that may wait to be accepted."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at an address; nobody can take the port from then on.

    Args:
        host: Name or number of an address of this machine.
        port: 0 is any that is free.

    Raises:
        UserError: A port that is taken, or an address that this machine does not have.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise invalid("host", "an address of this machine", f"{host} ({reason})") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(WAITING)
    except OSError as error:
        listener.close()
        if error.errno == EADDRNOTAVAIL:
            raise invalid("host", "an address of this machine", host) from None
        reason = "which is in use" if error.errno == EADDRINUSE else f"{error.strerror}"
        raise UserError(f"port: expected a free port, received {port}, {reason}") from None
    return listener
