"""The root of `doctor`: what is checked before a run is paid for."""

from dataclasses import dataclass

from hmexp.config.fields import number
from hmexp.config.verbs import RunConfig


@dataclass
class DoctorConfig(RunConfig):
    """`doctor`: checks the installation, the devices, the places and the data of a run.

    It takes whatever `train` takes, so that `doctor` before the words of a training says whether that could work.
    """

    verify: bool = False
    """Compute the checksums of every image store of the cache, which reads all of them."""
    step_seconds: int = number(300, ge=5, le=3600)
    """Seconds after which importing the backend and making a training step are given up."""
