"""The parts of a prediction that a process computes, here or elsewhere."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from hmexp.config.verbs import PredictConfig
from hmexp.inference.part_job import PartJob
from hmexp.inference.predictor import Predictor
from hmexp.inference.threshold import Threshold
from hmexp.models.bundle import load_bundle
from hmexp.runner.backend import start_inference


@dataclass(frozen=True)
class PredictionJob(PartJob):
    """What computes the parts of a prediction.

    Attributes:
        name: Of the model, in the table.
        digest: Of the data, in the table.
        threshold: Below which a class is `unknown`; None for none.
    """

    activity: ClassVar[str] = "predicting"
    config: PredictConfig
    name: str
    digest: str
    threshold: Threshold | None

    @cached_property
    def model(self) -> Predictor:
        """See `PartJob`."""
        start_inference(self.config.backend, self.config.device, self.config.paths.cache_path)
        model, card = load_bundle(self.bundle)
        return Predictor(model, card, self.name, self.digest, self.config.top_k, self.threshold)
