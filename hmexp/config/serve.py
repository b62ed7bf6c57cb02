"""The configuration of `serve`."""

import ipaddress
from dataclasses import dataclass

from hmexp.config.data import DataConfig
from hmexp.config.errors import invalid, require
from hmexp.config.fields import choice, number, text
from hmexp.config.similar import FeaturesConfig
from hmexp.config.verbs import BACKENDS, RegistryConfig

ENGINES = ("keras", "onnx")
KERAS_BATCH = 16


@dataclass
class ServeConfig(RegistryConfig):
    """`serve`: the champion behind a web page and a JSON API."""

    data: DataConfig | None = None
    """Catalogue that is browsed and searched for similar articles; null is the one that the model learned from."""
    run: str = text("champion", is_path=True)
    """A registered model (champion, previous, a version), RUN, or the folder of a bundle. An alias is followed."""
    engine: str = choice("keras", ENGINES)
    """What classifies: `keras`, or `onnx` (onnxruntime on the CPU, after its answers were compared with Keras's)."""
    backend: str = choice("tensorflow", BACKENDS)
    """What Keras computes with."""
    device: str = "auto"
    """`auto`, `cpu`, `gpu` or one GPU by its number, such as `gpu:1`."""
    host: str = text("127.0.0.1")
    """Address that is listened on; one that other machines reach needs allow_remote=true and an API key."""
    port: int = number(8000, ge=0, le=65_535)
    """Port; 0 is any that is free."""
    allow_remote: bool = False
    """Let other machines in, with the API key of HMEXP_API_KEY or `api_key_file`."""
    api_key_file: str | None = text(None, is_path=True)
    """File whose first line is the API key; null takes the variable HMEXP_API_KEY, if it is set."""
    allowed_hosts: list[str] = text(default_factory=list)
    """Names, beside localhost and `host`, that a browser may have in its address bar, as behind a proxy."""
    browser: bool = True
    """Open the page in the browser, where a terminal asked for it."""
    recommendations: str = text("recommendations", is_path=True)
    """Folder that `recommend` writes (its `out`), for /recommend/CUSTOMER."""
    max_batch: int | None = number(None, ge=1, le=1024)
    """Pictures that are computed together at most; null is 16, and 1 with engine=onnx, which gains nothing by more."""
    max_pending: int = number(64, ge=1, le=65_536)
    """Pictures that may be under way; one more is answered 503 with Retry-After."""
    max_bytes: int = number(10_000_000, ge=1000, le=1_000_000_000)
    """Bytes of a request at most."""
    max_pixels: int = number(50_000_000, ge=1, le=1_000_000_000)
    """Pixels of an uploaded picture at most, by its header."""
    timeout: float = number(30.0, gt=0, le=3600)
    """Seconds that a request may take, its upload included."""
    poll: float = number(2.0, gt=0, le=86_400)
    """Seconds from one look at the alias to the next."""

    def __post_init__(self) -> None:
        super().__post_init__()
        fits = self.engine != "onnx" or self.backend == "tensorflow"
        require(fits, "backend", "tensorflow beside engine=onnx, which converts the model with it", self.backend)
        require(bool(self.host.strip()), "host", "an address, such as 127.0.0.1", repr(self.host))
        if not self.allow_remote and not is_loopback(self.host):
            raise invalid("host", "127.0.0.1, or another with allow_remote=true and an API key", self.host)

    @property
    def longest_batch(self) -> int:
        """`max_batch`, or the best of the engine (`benchmarks/serving.py engines`)."""
        return self.max_batch or (1 if self.engine == "onnx" else KERAS_BATCH)

    @property
    def features_config(self) -> FeaturesConfig:
        """What `embed` has, for the same catalogue."""
        return FeaturesConfig(self.tracking, self.paths, self.plugins, backend=self.backend, device=self.device)


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
