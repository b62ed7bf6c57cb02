"""Why a file gives no picture."""


class BadPicture(Exception):  # noqa: N818 (what the file is)
    """A file that gives no picture; its text is the reason, in a few words."""
