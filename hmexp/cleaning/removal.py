"""Takes what may go out of the way, each under its lock, and deletes it then."""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from hmexp.cleaning.items import RUNS, Item
from hmexp.cleaning.record import Record
from hmexp.cleaning.trash import Trash, delete
from hmexp.config.errors import UserError
from hmexp.console import log, progress


@dataclass
class Removal:
    """What has gone.

    Attributes:
        removed: What was deleted.
        errors: Why something could not be, in a line each.
    """

    removed: list[Item] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def freed(self) -> int:
        """Bytes."""
        return sum(item.size for item in self.removed)


def remove(record: Record, items: Sequence[Item]) -> Removal:
    """Remove what may still go.

    Cut off anywhere, the next call goes on: what has left its place lies in the trash, and the rest where it was.

    Raises:
        UserError: A promotion is at work; nothing is removed.
    """
    done = Removal()
    runs = [item for item in items if item.kind == RUNS]
    others = [item for item in items if item.kind != RUNS]
    with record.locked() if runs else nullcontext():
        taken = _take(runs, done)
    taken += _take(others, done)
    with progress("removing", len(taken), unit="items") as bar:
        for item, entries in taken:
            errors = [error for entry in entries for error in delete(entry)]
            if errors:
                done.errors.append(f"{item.name}: {errors[0].strerror} ({errors[0].filename})")
            elif not item.path.exists():  # where MLflow went away in between, only its artifacts have gone
                done.removed.append(item)
            bar.advance()
    return done


def _take(items: Iterable[Item], done: Removal) -> list[tuple[Item, list[Path]]]:
    """Move what may still go into the trash; gives where it is now."""
    taken: list[tuple[Item, list[Path]]] = []
    for item in items:
        if not item.path.exists():  # another clean was faster
            continue
        moved: dict[Path, Path] = {}
        try:
            with item.held() as stays:
                if stays:
                    log.info(f"{item.name} stays: {stays}")
                else:
                    _leave(item, moved)
        except OSError as error:
            done.errors.append(f"{item.name}: {error.strerror}")
        except UserError as error:  # MLflow does not answer any more: nobody knows what may go
            done.errors.append(str(error))
            break
        finally:
            if moved:
                taken.append((item, list(moved)))
    return taken


def _leave(item: Item, moved: dict[Path, Path]) -> None:
    """Let an item leave its place, with all that is its own or not at all.

    Args:
        item: Held.
        moved: Gets, for each place in the trash, where its content was.
    """
    trash = Trash(item.root)

    def take(path: Path) -> None:
        entry = trash.take(path)
        if entry is not None:
            moved[entry] = path

    try:
        item.leave(take)
    except OSError:
        for entry, path in moved.items():
            entry.rename(path)
        moved.clear()
        raise
