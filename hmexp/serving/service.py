"""What the routes share: the model that answers now, the catalogue, and the threads."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hmexp.config.serve import ServeConfig
from hmexp.serving.catalogue import ServedCatalogue
from hmexp.serving.metrics import Metrics
from hmexp.serving.workers import Workers

if TYPE_CHECKING:
    from hmexp.serving.model import ServedModel
    from hmexp.serving.promotions import Promotions
    from hmexp.serving.recommended import RecommendedTable
    from hmexp.serving.similar import SimilarSearch


@dataclass
class Service:
    """One server.

    Attributes:
        config: Of the command.
        catalogue: That is browsed.
        workers: Its threads.
        metrics: Its figures.
        model: That answers; a request takes it once and keeps it.
        promotions: What the ledger says of versions.
        recommended: What `recommend` writes.
        similar: Searches by the features of one model, which may be that before; None until it is ready.
        similar_state: What the search waits for; `ready` where it is of the model that answers.
        key: The API key; empty where none is asked for.
    """

    config: ServeConfig
    catalogue: ServedCatalogue
    workers: Workers
    metrics: Metrics
    model: "ServedModel"
    promotions: "Promotions"
    recommended: "RecommendedTable"
    similar: "SimilarSearch | None" = None
    similar_state: str = "the features of the catalogue are not computed yet"
    key: str = field(default="", repr=False)
