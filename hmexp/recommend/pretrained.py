"""A pretrained network as a bundle whose output is features: made once, kept in the cache."""

from dataclasses import asdict
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from hmexp.config.data import DataConfig
from hmexp.config.errors import require
from hmexp.config.model import ModelConfig
from hmexp.config.pretrained import BackboneConfig, PretrainedConfig, SavedConfig
from hmexp.config.similar import FeaturesConfig
from hmexp.models.bundle import Card, save_bundle, sha256
from hmexp.models.pinned import from_cache, pinned
from hmexp.runner.backend import start_inference
from hmexp.tracking.bundles import FoundBundle

if TYPE_CHECKING:
    import keras

NO_CLASS = "none"
"""The one class in the card of a network that has no head."""


def pretrained_bundle(cfg: ModelConfig, data: DataConfig, config: FeaturesConfig) -> FoundBundle:
    """The bundle of a pretrained network for pictures of a size.

    Args:
        cfg: `model=backbone` with weights or a file, `model=hub`, or `model=saved`.
        data: Says size and resize mode.
        config: Says where the cache is and what Keras computes with.

    Raises:
        UserError: A file or a preset that holds no network.
        RunError: Weights that cannot be downloaded or do not fit.
    """
    cfg.check_input(data.image_size)
    cache = config.paths.cache_path
    found = pinned(cfg, cache)
    folder = cache / "models" / _key(found, data)
    if not folder.is_dir():
        start_inference(config.backend, config.device, config.paths.cache_path)
        save_bundle(_build(from_cache(found, cache), data.image_size), _card(data), folder)
    return FoundBundle(folder, _name(found))


def _build(cfg: ModelConfig, image_size: int) -> "keras.Model":
    """The network up to its features."""
    from hmexp.models.build import build_model
    from hmexp.models.features import feature_model
    from hmexp.models.saved import open_saved

    if isinstance(cfg, SavedConfig):
        network = feature_model(open_saved(cfg))
        sides = {side for side in network.input_shape[1:3] if side is not None}
        expected = f"{max(sides, default=0)}, as {cfg.file} takes it"
        require(sides <= {image_size}, "data.image_size", expected, image_size)
        return network
    return feature_model(build_model(cfg, image_size, num_classes=1))


def _card(data: DataConfig) -> Card:
    versions = {name: version(name) for name in ("hmexp", "keras")}
    return Card([NO_CLASS], data.image_size, data.resize, 1.0, {}, "", versions)


def _name(cfg: ModelConfig) -> str:
    """In words."""
    if isinstance(cfg, SavedConfig):
        return Path(cfg.file).name
    if isinstance(cfg, BackboneConfig) and not cfg.is_file:
        return f"{cfg.name} ({cfg.weights})"
    return Path(cfg.source).name if isinstance(cfg, PretrainedConfig) else type(cfg).__name__


def _key(cfg: ModelConfig, data: DataConfig) -> str:
    """32 hexadecimal digits over the network, its weights and the pictures that it takes."""
    given = asdict(cfg)
    files = [Path(given[name]).expanduser() for name in ("file", "weights") if given.get(name)]
    hashes = [sha256(path) for path in files if path.is_file()]
    name = (cfg.sha256 or cfg.source) if isinstance(cfg, PretrainedConfig) else None
    parts = (name, hashes or given.get("weights"), version("keras"), data.image_size, data.resize)
    return blake2b(repr(parts).encode(), digest_size=16).hexdigest()
