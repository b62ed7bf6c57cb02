"""The process that embeds a catalogue for a server; imports nothing heavy before it is quiet."""

import os
import signal
from contextlib import suppress
from multiprocessing.connection import Connection

from hmexp.config.similar import FeaturesConfig
from hmexp.console import quiet_natives, set_up_console
from hmexp.recommend.embed import Source, embeddings_of

NICENESS = 10
"""Requests come first."""


def compute(source: Source, config: FeaturesConfig, connection: Connection) -> None:
    """See to it that the embeddings of a catalogue are in the cache.

    Args:
        source: Whose features, of which articles.
        config: See `embeddings_of`.
        connection: Gets why it could not be done, or an empty text.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server ends it
    with suppress(OSError, AttributeError):  # not on every system
        os.nice(NICENESS)
    set_up_console()
    try:
        with quiet_natives():
            embeddings_of(source, config)
        connection.send("")
    except Exception as error:
        connection.send(" ".join(str(error).split()) or type(error).__name__)
