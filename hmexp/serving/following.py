"""The alias is followed: a promotion is picked up while requests run."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from hmexp.console import log

PATIENCE = 20.0
"""Seconds that loading a version has to end in."""
RETRY = 15
"""Looks at the alias from a version that cannot be loaded to the next try."""


@dataclass
class Follower:
    """Looks at an alias in a thread of its own, and hands over each new version once it is loaded.

    Attributes:
        current: Gives the version that the alias means now.
        load: Loads the version that the alias means, warms it, lets it be served, and gives its number.
        seconds: From one look to the next.
        version: That is served.
    """

    current: Callable[[], str]
    load: Callable[[], str]
    seconds: float
    version: str
    _end: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread = field(init=False)
    _last_error: str = ""
    _skip: int = 0

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._follow, name="follow", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Look no more; waits for a version that is being loaded: Python must not end meanwhile."""
        self._end.set()
        self._thread.join(PATIENCE)

    def _follow(self) -> None:
        while not self._end.wait(self.seconds):
            self.look()

    def look(self) -> None:
        """Look once. Whatever goes wrong is said once; the version that is served stays."""
        if self._skip:
            self._skip -= 1
            return
        try:
            if self.current() != self.version:
                self.version = self.load()
            self._last_error = ""
        except Exception as error:  # a server answers on, whatever the store, the disk or a model is like
            line = " ".join(str(error).split()) or type(error).__name__
            if line != self._last_error:
                log.warning(f"version {self.version} stays: {line}")
            self._last_error, self._skip = line, RETRY
