"""One module a kind of file: how it is written, and how its own runtime runs it."""

from hmexp.inference.formats.protocol import Format, Run
from hmexp.inference.formats.table import FORMATS, require_packages

__all__ = ["FORMATS", "Format", "Run", "require_packages"]
