"""The model bundle: a folder with `model.keras` and `card.json`, the same in a job folder and in the registry."""

import hashlib
import json
import math
import shutil
import time
from dataclasses import MISSING, asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from hmexp.config.errors import UserError

if TYPE_CHECKING:
    import keras

MODEL_FILE = "model.keras"
CARD_FILE = "card.json"
SETTLED_NS = 2 * 10**9
"""Time after which a file system gives the next change another time (FAT: two seconds)."""


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
        pretrained: Name and SHA-256 of the network that it started from; empty where it started from nothing.
    """

    classes: list[str]
    image_size: int
    resize: str
    temperature: float
    metrics: dict[str, float]
    data_digest: str
    versions: dict[str, str]
    sha256: str = ""
    pretrained: str = ""


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


def read_card(folder: Path) -> Card:
    """Read the card of a bundle and check the hash of its model, without Keras.

    Fields that a later version may have added are left out.

    Raises:
        UserError: No bundle, a card that is damaged, or a `model.keras` whose SHA-256 is not the card's.
    """
    path, model_path = folder / CARD_FILE, folder / MODEL_FILE
    if not path.is_file() or not model_path.is_file():
        raise UserError(f"{folder}: expected a model bundle ({MODEL_FILE}, {CARD_FILE}), received none")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):  # JSON or UTF-8 that is broken
        raise UserError(f"{path}: expected JSON, received something else: the file was changed") from None
    card = _card(path, record)
    found = sha256(model_path)
    if found != card.sha256:
        raise UserError(f"{model_path}: expected SHA-256 {card.sha256}, received {found}: the file was changed")
    return card


def load_bundle(folder: Path) -> tuple["keras.Model", Card]:
    """Load a bundle after its hash was checked, in Keras's safe mode.

    Raises:
        UserError: See `read_card`; or a model that Keras cannot load, or only by running code that lies in it.
    """
    card = read_card(folder)
    from hmexp.models.loading import RefusedNetworkError, load_network

    try:
        model = load_network(folder / MODEL_FILE)
    except RefusedNetworkError as error:
        expected = "a model that Keras loads in safe mode"
        raise UserError(f"{folder / MODEL_FILE}: expected {expected}, received {error}") from None
    return model, card


def sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal; computed once in a process while the file stays as it is.

    A command checks the hash where it finds a model and again where it loads it. A file that was changed a moment ago
    is read each time: its times do not tell the next change from that one.
    """
    found = path.stat()
    if time.time_ns() - found.st_ctime_ns < SETTLED_NS:
        return _computed(path)
    return _remembered(path, (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns))


@lru_cache(maxsize=64)
def _remembered(path: Path, state: tuple[int, ...]) -> str:
    return _computed(path)


def _computed(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _card(path: Path, record: object) -> Card:
    """The card that a JSON value stands for."""
    if not isinstance(record, dict):
        raise UserError(f"{path}: expected a mapping, received {type(record).__name__}: the file was changed")
    types = get_type_hints(Card)
    for field in fields(Card):
        if field.name not in record and field.default is MISSING:
            raise UserError(f"{path}: expected the field {field.name}, received none: the file was changed")
        if field.name in record and not _is(record[field.name], types[field.name]):
            received = f"{json.dumps(record[field.name])[:60]}"
            raise UserError(f"{path}: {field.name}: expected {_words(types[field.name])}, received {received}")
    card = Card(**{name: record[name] for name in types if name in record})
    for name, good in (
        ("classes", len(card.classes) > 0 and len(set(card.classes)) == len(card.classes)),
        ("image_size", card.image_size > 0),
        ("temperature", math.isfinite(card.temperature) and card.temperature > 0),
        ("resize", card.resize in ("stretch", "pad", "crop")),
    ):
        if not good:
            raise UserError(f"{path}: {name}: expected what a model was saved with, received {record[name]}")
    return card


def _is(value: object, kind: Any) -> bool:  # noqa: ANN401
    """Whether a JSON value is of a type such as `list[str]`; a whole number is a float too, a boolean neither."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is list:
        return isinstance(value, list) and all(_is(item, inner[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(_is(item, inner[1]) for item in value.values())
    if isinstance(value, bool):
        return False
    return isinstance(value, (int, float) if kind is float else kind)


def _words(kind: Any) -> str:  # noqa: ANN401
    names = {str: "text", int: "a whole number", float: "a number"}
    if get_origin(kind) is list:
        return "a list of texts"
    return "a mapping" if get_origin(kind) is dict else names[kind]
