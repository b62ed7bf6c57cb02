"""Decode once: pictures -> store."""

from hmexp.catalogue.pictures import BadPicture
from hmexp.store.decode import DECODER_VERSION, decode
from hmexp.store.feature_build import FeatureJob
from hmexp.store.features import FeatureStore, stored_features
from hmexp.store.layout import StoreSpec
from hmexp.store.staging import StageOptions, stage, staged
from hmexp.store.store import RowStore, Store, open_store, row_bytes

__all__ = [
    "DECODER_VERSION",
    "BadPicture",
    "FeatureJob",
    "FeatureStore",
    "RowStore",
    "StageOptions",
    "Store",
    "StoreSpec",
    "decode",
    "open_store",
    "row_bytes",
    "stage",
    "staged",
    "stored_features",
]
