"""What hmexp asks of a library that Keras computes with, beyond what Keras itself makes equal."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from hmexp.batches.order import Order, Rows
from hmexp.config.training import TrainerConfig
from hmexp.store import Store

if TYPE_CHECKING:
    import keras

    from hmexp.batches.augment import Stage
    from hmexp.training.device_data import DeviceData

Fusion = Callable[["keras.layers.Layer"], "keras.layers.Layer"]
"""A layer -> one that computes the same faster, with the same variables; itself where there is none."""


@dataclass(frozen=True)
class Program:
    """What was compiled at once.

    Attributes:
        name: Of the function, such as `train_step`.
        seconds: What it took.
        read: Whether another process had compiled it, so that it was only read.
    """

    name: str
    seconds: float
    read: bool


Function = TypeVar("Function", bound=Callable[..., Any])


class Batches(Protocol):
    """A module that feeds a training, as `hmexp.batches.tensorflow` does."""

    def train_batches(self, store: Store, part: Rows, order: Order) -> Any:  # noqa: ANN401
        """Batches of whole epochs, one after another."""

    def ordered_batches(self, store: Store, part: Rows, batch_size: int) -> Any:  # noqa: ANN401
        """Batches of one pass in the rows' own order."""


class Backend(Protocol):
    """A library that Keras computes with.

    Nothing is imported before a method needs it: a backend can be asked for its strategies or its batches while the
    library is not even installed.

    Attributes:
        name: As Keras has it.
        strategies: What `trainer.strategy` may name beside `auto` and `none`.
    """

    name: str
    strategies: tuple[str, ...]

    def set_up(self, cfg: TrainerConfig, deterministic: bool) -> "Device":
        """Choose the device, before the library touches a GPU.

        Raises:
            UserError: A GPU that is not there, or a batch that the devices of a strategy do not divide.
        """

    def keep_programs(self, cache: Path) -> None:
        """Keep what is compiled below `<paths.cache>`, and take from there what was; nothing without a compiler."""

    def programs(self) -> list[Program]:
        """What this process has compiled, or read instead, since the device was chosen; empty without a compiler."""

    def batches(self) -> Batches:
        """What feeds it."""

    def device_data(self, deterministic: bool = True) -> "DeviceData":
        """How is trained on pictures that the device holds.

        Args:
            deterministic: Whether the training has to be the same to the bit as one whose pictures are streamed.
        """

    def trace(self, folder: Path) -> AbstractContextManager[Any]:
        """The library's own profiler, writing into a folder."""

    def gradient(self, score: Callable[[Any], Any], values: Any) -> Any:  # noqa: ANN401
        """Gradient of a scalar `score(values)` by the values, of their shape and dtype."""

    def why_not_compiled(self, model: "keras.Model", deterministic: bool) -> str:
        """Why Keras leaves XLA off where it has the choice and no layer is in the way."""

    def compile_stage(self, stage: "Stage") -> "Stage":
        """The stage as it is fastest; compiled by itself where the library does not compile the step around it."""

    def one_program(self, function: Function) -> Function:
        """The function as one program, where the library would compile each of its operations as one; else itself.

        Args:
            function: Of tensors, in lists too, without effects.
        """

    def fusion(self) -> Fusion | None:
        """Replaces batch norms by a faster kernel; None where the library has none."""

    def write_back(self, model: "keras.Model") -> None:
        """Give the model's variables the values that a training has reached."""

    def one_device(self, model: "keras.Model", batch: Any) -> Any:  # noqa: ANN401
        """One device's part of a batch that is shared between several; the batch itself where it is not."""


@dataclass(frozen=True)
class Device:
    """What computes: a backend whose device is chosen.

    Attributes:
        backend: The library.
        words: Such as `cpu`, `gpu:0` or `mirrored over 2 gpus`.
        scope: A model has to be made and trained inside this context.
        several: Whether several devices share each batch.
    """

    backend: Backend
    words: str
    scope: Callable[[], AbstractContextManager[Any]] = nullcontext
    several: bool = False
