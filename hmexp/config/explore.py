"""The root of `explore`: how a catalogue is looked at."""

from dataclasses import dataclass
from pathlib import Path

from hmexp.config.errors import require
from hmexp.config.fields import number, text
from hmexp.config.record import MlflowTracking
from hmexp.config.verbs import RunConfig


@dataclass
class ExploreConfig(RunConfig):
    """`explore`: what a catalogue holds, and what merge, balance and split make of it.

    It takes whatever `train` takes, so that `explore` before the words of a training shows what that would learn from.
    """

    out: str | None = text("explore.html", is_path=True)
    """Page that is written, .html; null writes none."""
    pictures: bool = True
    """Look at the pictures, which builds the image store where there is none; false reads the table alone."""
    examples: int = number(8, ge=1, le=50)
    """Pictures of each class on the page."""
    max_distance: int = number(4, ge=0, le=12)
    """Bits of 64 in which the perceptual hashes of near-equal pictures may differ."""
    log: bool = False
    """Record the page and its numbers in MLflow."""

    def __post_init__(self) -> None:
        super().__post_init__()
        ok = self.out is None or Path(self.out).suffix.lower() == ".html"
        require(ok, "out", "null or a name that ends in .html", self.out)
        recorded = isinstance(self.tracking, MlflowTracking)
        require(recorded or not self.log, "log", "false with tracking=none", "true")
        require(self.out is not None or not self.log, "log", "false with out=null, which makes no page", "true")
