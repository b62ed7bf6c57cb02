"""The roots of `embed` and `similar`: whose features of which catalogue, and what is done with them."""

from dataclasses import dataclass
from pathlib import Path

from hmexp.config.errors import UserError, invalid, require
from hmexp.config.fields import choice, number, text
from hmexp.config.model import ModelConfig
from hmexp.config.pretrained import PretrainedConfig, SavedConfig
from hmexp.config.verbs import InferenceConfig

EVALUATED_SPLITS = ("train", "val", "test", "all")


@dataclass
class FeaturesConfig(InferenceConfig):
    """What the verbs that work with the features of a catalogue's pictures share.

    Without `data` they take the catalogue that the model's run has learned from.
    """

    model: ModelConfig | None = None
    """A pretrained network instead of a run's model: model=backbone with weights, model=hub or model=saved."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.model, PretrainedConfig):
            require(self.model.has_weights, "model.weights", "imagenet or a file of weights", "null")
        elif self.model is not None and not isinstance(self.model, SavedConfig):
            kind = type(self.model).__name__.removesuffix("Config").lower()
            raise invalid("model", "backbone, hub or saved, which have weights (run=RUN has a trained model)", kind)
        if self.model is not None and self.data is None:
            raise UserError("data: expected a catalogue (data=hm data.root=...) beside model=..., received none")


@dataclass
class EmbedConfig(FeaturesConfig):
    """`embed`: features of a whole catalogue's pictures, kept in the cache; with `evaluate=true` how good they are."""

    evaluate: bool = False
    """Measure how well colour variants, product types and departments are found, beside baselines."""
    against: list[str] = text(default_factory=list)
    """With `evaluate`: other models, named as `run` is, on the same articles: [A,B]."""
    split: str = choice("test", EVALUATED_SPLITS)
    """With `evaluate`: which articles, by the splits of the models' runs: train, val, test or all."""
    k: int = number(12, ge=1, le=1000)
    """With `evaluate`: articles that are looked at for each."""
    limit: int = number(20_000, ge=2, le=10_000_000)
    """With `evaluate`: articles at most, whole products, drawn by their code."""
    out: str = text("retrieval.csv", is_path=True)
    """With `evaluate`: table that is written, .csv or .json."""

    def __post_init__(self) -> None:
        super().__post_init__()
        ending = Path(self.out).suffix.lower()
        require(ending in (".csv", ".json"), "out", "a name that ends in .csv or .json", self.out)
        require(self.evaluate or not self.against, "against", "models beside evaluate=true", "them without it")


@dataclass
class SimilarConfig(FeaturesConfig):
    """`similar`: articles whose pictures are like an article's, or like any picture."""

    article_id: str | None = text(None)
    """Article whose like are looked for."""
    image: str | None = text(None, is_path=True)
    """Picture whose like are looked for, instead of an article."""
    k: int = number(12, ge=1, le=1000)
    """How many."""
    same_class: bool = False
    """Only articles of the same class; of a picture that is the one that the model sees in it."""
    exclude_variants: bool = False
    """No other colour of the same product."""
    format: str = choice("table", ("table", "json", "csv"))
    """`table`, or `json` or `csv` on the standard output."""
    out: str | None = text("similar.png", is_path=True)
    """Sheet of pictures that is written, .png; null writes none."""
    faiss_from: int = number(1_000_000, ge=1, le=10_000_000_000)
    """Articles from which faiss searches (pip install 'hmexp[faiss]'), nearly exactly; below it search is exact."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.article_id is None) == (self.image is None):
            received = "neither" if self.image is None else "both"
            raise UserError(f"article_id: expected article_id=ID or image=FILE, received {received}")
        ok = self.out is None or Path(self.out).suffix.lower() == ".png"
        require(ok, "out", "null or a name that ends in .png", self.out)
