"""Decode once: pictures -> store."""

from hmexp.catalogue.pictures import BadPicture
from hmexp.store.decode import DECODER_VERSION, decode
from hmexp.store.layout import StoreSpec
from hmexp.store.staging import StageOptions, stage, staged
from hmexp.store.store import Store, open_store

__all__ = [
    "DECODER_VERSION",
    "BadPicture",
    "StageOptions",
    "Store",
    "StoreSpec",
    "decode",
    "open_store",
    "stage",
    "staged",
]
