"""The model bundle: a folder with `model.keras` and `card.json`, the same in a job folder and in the registry."""

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, get_type_hints

from hmexp.config.errors import UserError

if TYPE_CHECKING:
    import keras

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


def save_bundle(model: "keras.Model", card: Card, folder: Path) -> None:
    """Write a bundle; the folder appears whole or not at all.

    The model is saved without optimizer and metrics, so that loading it needs Keras alone.
    """
    import keras

    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    keras.Model(model.inputs[0], model.outputs[0], name=model.name).save(partial / MODEL_FILE)
    record = asdict(card) | {"sha256": sha256(partial / MODEL_FILE)}
    (partial / CARD_FILE).write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    partial.replace(folder)


def load_bundle(folder: Path) -> tuple["keras.Model", Card]:
    """Load a bundle after its hash was checked, in Keras's safe mode.

    Raises:
        UserError: No bundle, one that was changed, or a model that runs code of its own.
    """
    import keras

    card = check_bundle(folder)
    try:
        return keras.saving.load_model(folder / MODEL_FILE, compile=False, safe_mode=True), card
    except (OSError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{folder / MODEL_FILE}: expected a model that Keras loads safely, received {reason}") from None


def check_bundle(folder: Path) -> Card:
    """Read the card of a bundle whose model is the one that was saved; needs no Keras.

    Raises:
        UserError: No bundle, a damaged card, or a `model.keras` whose SHA-256 is not the card's.
    """
    path = folder / MODEL_FILE
    if not path.is_file() or not (folder / CARD_FILE).is_file():
        raise UserError(f"{folder}: expected a model bundle ({MODEL_FILE}, {CARD_FILE}), received none")
    card = read_card(folder)
    found = sha256(path)
    if found != card.sha256:
        raise UserError(f"{path}: expected SHA-256 {card.sha256}, received {found}: the file was changed")
    return card


def read_card(folder: Path) -> Card:
    """Read the card of a bundle; fields of a later version are left out.

    Raises:
        UserError: No card, or a damaged one.
    """
    path = folder / CARD_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        card = Card(**{field.name: content[field.name] for field in fields(Card)})
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise UserError(f"{path}: expected the card of a model, received a damaged one ({reason})") from None
    for name, kind in get_type_hints(Card).items():
        value, plain = getattr(card, name), getattr(kind, "__origin__", kind)
        if isinstance(value, bool) or not isinstance(value, (int, float) if plain is float else plain):
            raise UserError(f"{path}: expected {name} to be of type {plain.__name__}, received {value!r:.80}")
    if not card.classes or not all(isinstance(name, str) for name in card.classes) or card.image_size < 1:
        raise UserError(f"{path}: expected classes and an image size, received {card.classes!r:.80}, {card.image_size}")
    return card


def sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
