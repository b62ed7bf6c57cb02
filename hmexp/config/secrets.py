"""Passwords: never written down, never printed. MLflow's own variables carry them instead."""

import os
import re
from collections.abc import Iterable
from urllib.parse import unquote

USERINFO = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*)://(?P<userinfo>[^\s/'\"<>]*)@")
"""Of an address such as `http://user:password@host`; of several `@` the last one ends it."""
NAMED = re.compile(
    r"(?i)((?:^|[^a-z])(?:password|passwd|secret|token|api_?key|access_?key)['\"]?\s*[=:]\s*['\"]?)([^\s&,;'\"\]})]+)"
)
"""A value behind a name that says that it is a secret."""
HIDDEN = "***"
KEPT = ("null", "none", "true", "false", "''", '""', HIDDEN)


def masked(text: str, secrets: Iterable[str] = ()) -> str:
    """A text without the passwords in it: those of addresses, and values under names that say that they are secret.

    Args:
        text: Such as a line of a program's output.
        secrets: What must not be in it, wherever it stands.
    """
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN) if secret else text
    bare = USERINFO.sub(lambda found: f"{found['scheme']}://", text)
    return NAMED.sub(lambda found: found[1] + (found[2] if found[2].lower() in KEPT else HIDDEN), bare)


def move_credentials(uri: str) -> str:
    """An address of a tracking server without its credentials, which go into the variables that MLflow reads.

    Other addresses, such as those of databases, for which MLflow has no variables, stay as they are.
    """
    found = USERINFO.match(uri)
    if found is None or found["scheme"] not in ("http", "https"):
        return uri
    user, _, password = found["userinfo"].partition(":")
    os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"] = unquote(user), unquote(password)
    return f"{found['scheme']}://{uri[found.end() :]}"


def with_credentials(uri: str) -> str:
    """The address with the credentials of `MLFLOW_TRACKING_URI`, where that is the same address with them."""
    known = os.environ.get("MLFLOW_TRACKING_URI", "")
    return known if known != uri and masked(known) == uri else uri
