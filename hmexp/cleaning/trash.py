"""Removal in two steps, so that a kill leaves nothing half removed in its place: a rename, then the deletion."""

import shutil
import sys
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hmexp.cleaning.items import is_within
from hmexp.config.errors import UserError

TRASH = ".hmexp-trash"
"""Not `.trash`, which is that of MLflow's file store."""


@dataclass(frozen=True)
class Trash:
    """What is being deleted below `<paths.root>/mlruns` or `<paths.cache>`; whatever lies in it, any `clean` deletes.

    Attributes:
        root: One of the two.
    """

    root: Path

    @property
    def folder(self) -> Path:
        """Where it lies: on the disk of what goes, so that a rename is enough."""
        return self.root / TRASH

    def entries(self) -> list[Path]:
        """What an earlier command has left in it.

        Raises:
            UserError: Something else has its name.
        """
        if self.folder.is_symlink() or (self.folder.exists() and not self.folder.is_dir()):
            raise UserError(f"{self.folder}: expected a folder of hmexp's own, received a link or a file: move it away")
        return sorted(self.folder.iterdir()) if self.folder.is_dir() else []

    def take(self, path: Path) -> Path | None:
        """Give something a name in the trash; None where it is not there.

        Raises:
            OSError: It cannot be moved.
        """
        self.entries()
        if path.parent == self.folder:
            return path
        if not is_within(self.root, path):
            return None
        while path.exists():
            self.folder.mkdir(exist_ok=True)
            with suppress(FileNotFoundError):  # of the two: another clean took the one, or has emptied the trash
                return path.rename(self.folder / uuid.uuid4().hex)
        return None

    def close(self) -> None:
        """Remove the folder where it is empty."""
        with suppress(OSError):
            self.folder.rmdir()


def delete(entry: Path) -> list[OSError]:
    """Delete what lies in the trash; gives what cannot be. No link is followed, and another process may do the same."""
    errors: list[OSError] = []

    def keep(function: Callable[..., Any], path: str, error: Any) -> None:  # noqa: ANN401
        caught = error[1] if isinstance(error, tuple) else error
        if not isinstance(caught, FileNotFoundError):
            errors.append(caught)

    if entry.is_dir() and not entry.is_symlink():
        if sys.version_info >= (3, 12):
            shutil.rmtree(entry, onexc=keep)
        else:
            shutil.rmtree(entry, onerror=keep)
    else:
        try:
            entry.unlink(missing_ok=True)
        except OSError as error:
            errors.append(error)
    return errors
