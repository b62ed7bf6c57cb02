"""The model bundle: a folder with `model.keras` and `card.json`, the same in a job folder and in the registry."""

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import keras

from hmexp.config.errors import UserError

MODEL_FILE = "model.keras"
CARD_FILE = "card.json"


@dataclass(frozen=True)
class Card:
    """What a model needs to be used, and where it comes from.

    Attributes:
        classes: Names by target.
        image_size: Height and width it takes, in pixels.
        resize: How a picture becomes that size: `stretch`, `pad` or `crop`.
        temperature: What logits are divided by before softmax.
        metrics: Figures such as `best/val/macro_f1`.
        data_digest: Digest of the manifest it learned from.
        versions: Library -> version.
        sha256: Of `model.keras`; filled in when the bundle is saved.
    """

    classes: list[str]
    image_size: int
    resize: str
    temperature: float
    metrics: dict[str, float]
    data_digest: str
    versions: dict[str, str]
    sha256: str = ""


def save_bundle(model: keras.Model, card: Card, folder: Path) -> None:
    """Write a bundle; the folder appears whole or not at all.

    The model is saved without optimizer and metrics, so that loading it needs Keras alone.
    """
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    keras.Model(model.inputs[0], model.outputs[0], name=model.name).save(partial / MODEL_FILE)
    record = asdict(card) | {"sha256": sha256(partial / MODEL_FILE)}
    (partial / CARD_FILE).write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    partial.replace(folder)


def load_bundle(folder: Path) -> tuple[keras.Model, Card]:
    """Load a bundle after its hash was checked, in Keras's safe mode.

    Raises:
        UserError: No bundle, or a `model.keras` whose SHA-256 is not the card's.
    """
    path = folder / MODEL_FILE
    if not path.is_file() or not (folder / CARD_FILE).is_file():
        raise UserError(f"{folder}: expected a model bundle ({MODEL_FILE}, {CARD_FILE}), received none")
    card = Card(**json.loads((folder / CARD_FILE).read_text(encoding="utf-8")))
    found = sha256(path)
    if found != card.sha256:
        raise UserError(f"{path}: expected SHA-256 {card.sha256}, received {found}: the file was changed")
    return keras.saving.load_model(path, compile=False, safe_mode=True), card


def sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
