"""The terminal and the log: what a user reads goes through one logger, long work through one progress bar."""

from hmexp.console.bars import Bar, progress, said, shows_bars, until_said
from hmexp.console.facts import say_facts
from hmexp.console.libraries import quiet_loggers
from hmexp.console.logfile import log_file
from hmexp.console.natives import quiet_natives
from hmexp.console.output import console, log, on_stderr, set_up_console, shown_width
from hmexp.console.tables import LoggedTable

__all__ = [
    "Bar",
    "LoggedTable",
    "console",
    "log",
    "log_file",
    "on_stderr",
    "progress",
    "quiet_loggers",
    "quiet_natives",
    "said",
    "say_facts",
    "set_up_console",
    "shown_width",
    "shows_bars",
    "until_said",
]
