"""Where Kaggle's client finds credentials, so that their absence can be explained and their values be hidden."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SHORTEST_SECRET = 4
"""Characters; to hide a shorter text would hide half of what is said, and protect nothing."""
OPEN = ("username", "KAGGLE_USERNAME")
"""Names of values that are no secrets."""


@dataclass(frozen=True)
class Credentials:
    """What there is; neither `places` nor `flaws` has a value in it.

    Attributes:
        places: That have credentials, in the order in which the client looks at them.
        secrets: Values that must not be shown.
        flaws: Sentences on places that have half of what they should.
    """

    places: tuple[str, ...]
    secrets: frozenset[str]
    flaws: tuple[str, ...]


@dataclass(frozen=True)
class _Place:
    """One place: the values that it should have, by name, and whether there is anything at all."""

    name: str
    values: dict[str, str]
    is_there: bool

    @property
    def missing(self) -> list[str]:
        return [name for name, value in self.values.items() if not value]


def credentials_of(env: Mapping[str, str], home: Path) -> Credentials:
    """Look where the client looks (kaggle 2.2.5, and the kagglesdk below it).

    Args:
        env: Variables of the environment.
        home: The user's own folder.
    """
    places = list(_places(env, home))
    values = [value for place in places for name, value in place.values.items() if name not in OPEN]
    token = env.get("KAGGLE_API_TOKEN", "").strip()
    values += [_text(Path(token))] if token else []  # it may be a file's name
    return Credentials(
        tuple(place.name for place in places if not place.missing),
        frozenset(word for value in values for word in value.split() if len(word) >= SHORTEST_SECRET),
        tuple(f"{place.name} lacks {', '.join(place.missing)}" for place in places if place.is_there and place.missing),
    )


def _places(env: Mapping[str, str], home: Path) -> Iterator[_Place]:
    folder = home / ".kaggle"
    token = env.get("KAGGLE_API_TOKEN", "").strip()
    yield _Place("KAGGLE_API_TOKEN", {"KAGGLE_API_TOKEN": token}, bool(token))
    for path in (folder / "access_token", folder / "access_token.txt"):
        yield _Place(str(path), {"token": _text(path).strip()}, path.exists())
    pair = {name: env.get(name, "").strip() for name in ("KAGGLE_USERNAME", "KAGGLE_KEY")}
    yield _Place("KAGGLE_USERNAME and KAGGLE_KEY", pair, any(pair.values()))
    config = env.get("KAGGLE_CONFIG_DIR", "")
    here = [Path(config)] if config else [folder, Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "kaggle"]
    yield from (_file(place / "kaggle.json", "username", "key") for place in here)
    yield _file(folder / "credentials.json", "refresh_token", "access_token")  # of `kaggle auth login`


def _file(path: Path, *names: str) -> _Place:
    """A JSON file that should have these texts."""
    try:
        values = json.loads(_text(path))
    except ValueError:
        values = {}
    known = values if isinstance(values, dict) else {}
    return _Place(str(path), {name: str(known.get(name) or "").strip() for name in names}, path.exists())


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return ""
