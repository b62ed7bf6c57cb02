"""An image backbone of keras-hub below a new head: from a preset's folder, or by a preset's name."""

from dataclasses import dataclass
from typing import Any

import keras

from hmexp.config.errors import RunError, UserError, invalid, require
from hmexp.config.pretrained import HubConfig
from hmexp.console import quiet_natives
from hmexp.models.backbone import LAYER, as_floats, check_sides, with_head

HANDLES = ("kaggle://", "hf://", "modelscope://", "gs://")


@dataclass(frozen=True)
class Tower:
    """The image part of a preset.

    Attributes:
        network: Of keras-hub: pictures, float32 `[batch, height, width, 3]`, in.
        kind: Name of the backbone's class.
        place: Which of its outputs is taken, the last.
        has_class_token: Whether the first of its tokens stands for the whole picture.
    """

    network: Any
    kind: str
    place: int
    has_class_token: bool

    @property
    def words(self) -> str:
        """What is taken of it."""
        shape = ", ".join("any" if side is None else str(side) for side in self.network.outputs[self.place].shape[1:])
        what = {4: "feature maps", 3: "tokens"}.get(len(self.network.outputs[self.place].shape), "pooled features")
        return f"{what} [batch, {shape}]{', of which the class token' if self.has_class_token else ''}"

    def of(self, pixels: keras.KerasTensor) -> keras.KerasTensor:
        """What is taken for pixels that were scaled."""
        inputs = self.network.input
        seen = dict.fromkeys(inputs, pixels) if isinstance(inputs, dict) else pixels
        given = keras.tree.flatten(self.network(seen))[self.place]
        return given[:, 0] if self.has_class_token else given


def build_hub(cfg: HubConfig, image_size: int, num_classes: int) -> keras.Model:
    """The preset's own scaling of pixels, its backbone, one vector a picture, head.

    Raises:
        UserError: No such preset, one that is no image backbone, or one for pictures of another size.
        RunError: A preset that cannot be downloaded.
    """
    pictures = keras.Input((image_size, image_size, 3), dtype="uint8", name="pictures")
    tower = open_preset(cfg, image_size)
    tower.network.name = LAYER
    return with_head(cfg, tower.kind.lower(), pictures, tower.of(_scaled(cfg, as_floats(pictures))), num_classes)


def open_preset(cfg: HubConfig, image_size: int) -> Tower:
    """The image part of a preset, for pictures of a size.

    Raises:
        UserError: See `build_hub`.
        RunError: Alike.
    """
    _check_name(cfg)
    backbone = _loaded(cfg)
    sides = {side for side in _tower(backbone).inputs[0].shape[1:3] if side is not None}
    if sides - {image_size}:
        try:  # some can be built for other pictures: they resize what they know of places
            backbone = _hub().models.Backbone.from_preset(cfg.preset, image_shape=(image_size, image_size, 3))
        except Exception:
            check_sides(_tower(backbone), cfg.name, image_size)
            raise
    network = _tower(backbone)
    place = len(network.outputs) - 1
    return Tower(network, type(backbone).__name__, place, _has_class_token(network, place, image_size))


def _hub() -> Any:  # noqa: ANN401
    with quiet_natives():
        import keras_hub

    return keras_hub


def _check_name(cfg: HubConfig) -> None:
    """Raise `UserError` for a name that keras-hub does not have."""
    known = list(_hub().models.Backbone.presets)
    if not cfg.is_folder and not cfg.preset.startswith(HANDLES) and cfg.preset not in known:
        raise invalid("model.preset", "a preset of keras-hub, or a folder that holds one", cfg.preset, known)


def _loaded(cfg: HubConfig) -> Any:  # noqa: ANN401
    """The backbone with its weights."""
    try:
        return _hub().models.Backbone.from_preset(cfg.preset)
    except Exception as error:  # whatever kagglehub, keras-hub, h5py or json finds
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        if cfg.is_folder:
            expected = "the folder of a preset, as save_to_preset writes it"
            raise UserError(f"model.preset: expected {expected}, received {cfg.preset}: {reason}") from None
        expected = "a preset in keras-hub's cache or a network to download it"
        raise RunError(f"model.preset: expected {expected}, received {cfg.preset}: {reason}") from error


def _tower(backbone: Any) -> Any:  # noqa: ANN401
    """What looks at pictures: the whole backbone, or the image half of one that knows text as well.

    Raises:
        UserError: A backbone of text, sound or several inputs.
    """
    tower = getattr(backbone, "vision_encoder", backbone)
    shapes = [tuple(tensor.shape) for tensor in tower.inputs]
    ok = len(shapes) == 1 and len(shapes[0]) == 4 and shapes[0][-1] == 3
    kind = type(backbone).__name__
    require(ok, "model.preset", "an image backbone of keras-hub", f"{kind}, which takes {shapes}")
    return tower


def _has_class_token(tower: Any, place: int, image_size: int) -> bool:  # noqa: ANN401
    """Whether a backbone gives more tokens than it has patches: the first one is the class token."""
    shape, patch = tower.outputs[place].shape, getattr(tower, "patch_size", None)
    if len(shape) != 3 or patch is None or shape[1] is None:
        return False
    side = patch[0] if isinstance(patch, list | tuple) else patch
    return bool(shape[1] > (image_size // side) ** 2)


def _scaled(cfg: HubConfig, pixels: keras.KerasTensor) -> keras.KerasTensor:
    """Pixels as the preset's image converter hands them on, but for their size, which the image store has seen to.

    Raises:
        UserError: A preset without one: nobody knows what it was trained with.
    """
    try:
        converter = _hub().layers.ImageConverter.from_preset(cfg.preset)
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        expected = "a preset with an image converter, which says how it takes pixels"
        raise UserError(f"model.preset: expected {expected}, received {cfg.preset}: {reason}") from None
    scale = 1.0 if converter.scale is None else converter.scale
    offset = 0.0 if converter.offset is None else converter.offset
    return keras.layers.Rescaling(scale, offset, dtype="float32", name="scale")(pixels)
