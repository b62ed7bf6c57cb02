"""The root of `recommend` and its sections `windows`, `candidates` and `ranker`."""

from dataclasses import dataclass, field
from pathlib import Path

from omegaconf import MISSING

from hmexp.config.data import DataConfig, FolderData, HmData, SampleData
from hmexp.config.errors import require
from hmexp.config.fields import Section, number, text
from hmexp.config.verbs import RegistryConfig

LONGEST_LIST = 12
"""Articles that a customer gets."""


@dataclass
class WindowsConfig(Section, key="windows"):
    """Which days are predicted from which days before them."""

    days: int = number(7, ge=1, le=365)
    """Last days of the transactions, which validation predicts from those before them."""
    train: int = number(4, ge=1, le=100)
    """Windows before validation that the ranker learns from."""
    train_days: int | None = number(None, ge=1, le=365)
    """Days of a window that the ranker learns from; null is `days`."""
    step: int | None = number(None, ge=1, le=365)
    """Days from one of these windows to the next; null is `train_days`."""
    history: int | None = number(None, ge=1, le=36_500)
    """Days before a window that features see; null is all of them."""

    @property
    def learned_days(self) -> int:
        """Days of a window that the ranker learns from."""
        return self.train_days or self.days

    @property
    def learned_step(self) -> int:
        """Days from one window to the next."""
        return self.step or self.learned_days


@dataclass
class CandidatesConfig(Section, key="candidates"):
    """How many articles each source gives a customer; 0 leaves a source out."""

    own: int = number(20, ge=0, le=1000)
    """What the customer bought last."""
    popular: int = number(40, ge=LONGEST_LIST, le=1000)
    """What the customer's age group buys now."""
    together: int = number(20, ge=0, le=1000)
    """What is bought together with what the customer bought last."""
    colours: int = number(12, ge=0, le=1000)
    """Other colours of what the customer bought last."""
    pictures: int = number(12, ge=0, le=1000)
    """What looks like what the customer bought last; half as many again that nobody has bought yet."""
    last: int = number(10, ge=1, le=1000)
    """Purchases of a customer that the last three sources follow from."""
    half_life: float = number(7.0, gt=0, le=10_000)
    """Days after which a purchase counts half for what is popular."""
    together_days: int = number(28, ge=1, le=36_500)
    """Days before a window in which customers who buy both make two articles bought together."""


@dataclass
class RankerConfig(Section, key="ranker"):
    """LightGBM's lambdarank over the candidates."""

    trees: int = number(150, ge=1, le=100_000)
    """Trees."""
    learning_rate: float = number(0.06, gt=0, le=10)
    """Of the trees."""
    leaves: int = number(31, ge=2, le=10_000)
    """Leaves of a tree."""
    min_rows: int = number(100, ge=1, le=1_000_000)
    """Candidates in a leaf at least."""
    seeds: int = number(1, ge=1, le=100)
    """Rankers that are trained, with seeds one after another; their scores are averaged."""
    customers: int = number(60_000, ge=1, le=100_000_000)
    """Customers that the ranker learns from at most, over all windows."""
    negatives: int = number(50, ge=1, le=10_000)
    """Candidates of a customer at most that were not bought."""


@dataclass
class RecommendConfig(RegistryConfig):
    """`recommend`: twelve articles for each customer, with what they are worth on days that the ranker has not seen."""

    data: DataConfig = MISSING
    """Catalogue whose articles are recommended: sample or hm."""
    transactions: str | None = text(None, is_path=True)
    """Purchases as CSV or Parquet; null is transactions_train below `data.root`, and generated ones for the sample."""
    customers: str | None = text(None, is_path=True)
    """Customers as CSV or Parquet; null is customers.csv or sample_submission.csv beside the transactions, or who is in
    these."""
    run: str | None = text(None, is_path=True)
    """Model whose features say what looks alike: champion, a version, RUN; null is the champion where there is one, and
    else the pixels themselves."""
    neighbours: str | None = text(None, is_path=True)
    """Table of what looks alike instead: article_id, neighbour, score, or article_id and a list of neighbours."""
    customer: str | None = text(None)
    """Print this customer's twelve from the table in `out`, and do nothing else."""
    validate: bool = True
    """Measure on the last days before recommending."""
    submit: bool = True
    """Write recommendations and submission.csv for every customer."""
    out: str = text("recommendations", is_path=True)
    """Folder that is written."""
    seed: int = number(0, ge=0, le=2**32 - 1)
    """Seed of the trees, of the choice of customers and candidates, and of the intervals."""
    windows: WindowsConfig = field(default_factory=WindowsConfig)
    candidates: CandidatesConfig = field(default_factory=CandidatesConfig)
    ranker: RankerConfig = field(default_factory=RankerConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.validate or self.submit, "submit", "validate=true or submit=true", "neither")
        both = self.run is not None and self.neighbours is not None
        require(not both, "neighbours", "run=... or neighbours=...", "both")
        kind = "folder" if isinstance(self.data, FolderData) else "table"
        require(isinstance(self.data, SampleData | HmData), "data", "sample or hm, which have customers", kind)

    @property
    def out_path(self) -> Path:
        """Absolute `out`."""
        return Path(self.out).expanduser().absolute()
