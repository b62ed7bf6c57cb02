"""Opens a page in the browser once its server answers: `python -m hmexp.runner.browser ADDRESS`."""

import socket
import subprocess
import sys
import time
import webbrowser
from urllib.parse import urlsplit

PATIENCE = 60.0
"""Seconds that a server may take to answer."""


def open_beside(address: str) -> None:
    """Let a process of its own do that, as this one becomes the server."""
    subprocess.Popen([sys.executable, "-m", "hmexp.runner.browser", address])


def open_when_served(address: str) -> bool:
    """Wait for the server of an address, then open the page; gives whether a browser took it."""
    place = urlsplit(address)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((place.hostname or "", place.port or 80), timeout=1):
                return webbrowser.open(address)
        except OSError:
            time.sleep(0.2)
    return False


if __name__ == "__main__":
    open_when_served(sys.argv[1])
