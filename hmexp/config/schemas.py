"""Registers the dataclasses with Hydra, and turns a composed config into them.

The schemas lie in a group of their own, `schema/`, so that `model=` and its error messages list only what a
user can choose. A YAML file of a group names its schema in its defaults list (`/schema/model/cnn@_here_`).
"""

from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from hmexp.compat.hydra import raw_node
from hmexp.config import (
    augment,
    callbacks,
    data,
    doctor,
    explore,
    guard,
    loss,
    model,
    optimizer,
    pretrained,
    recommend,
    record,
    schedule,
    serve,
    similar,
    strategies,
    training,
    verbs,
)
from hmexp.config.errors import UserError, unknown_key
from hmexp.config.quoting import CLASS_MAP, class_map

T = TypeVar("T")

GROUPS: dict[str, dict[str, type]] = {
    "data": {"sample": data.SampleData, "hm": data.HmData, "folder": data.FolderData, "table": data.TableData},
    "data/merge": {
        "none": strategies.NoMerge,
        "hm9": strategies.Hm9Merge,
        "rare": strategies.RareMerge,
        "map": strategies.MapMerge,
    },
    "data/balance": {
        "none": strategies.NoBalance,
        "undersample": strategies.Undersample,
        "oversample": strategies.Oversample,
        "class_weight": strategies.ClassWeight,
    },
    "data/split": {
        "grouped": strategies.GroupedSplit,
        "stratified": strategies.StratifiedSplit,
        "random": strategies.RandomSplit,
        "hash": strategies.HashSplit,
        "fixed": strategies.FixedSplit,
        "folders": strategies.FolderSplit,
    },
    "model": {
        "cnn": model.CnnConfig,
        "resnet": model.ResnetConfig,
        "backbone": pretrained.BackboneConfig,
        "hub": pretrained.HubConfig,
        "saved": pretrained.SavedConfig,
    },
    "augment": {"default": augment.AugmentConfig},
    "loss": {
        "cross_entropy": loss.CrossEntropyConfig,
        "focal": loss.FocalConfig,
        "contrastive": loss.ContrastiveConfig,
    },
    "optimizer": {
        "adam": optimizer.AdamConfig,
        "adamw": optimizer.AdamWConfig,
        "sgd": optimizer.SgdConfig,
        "lion": optimizer.LionConfig,
        "muon": optimizer.MuonConfig,
    },
    "schedule": {
        "constant": schedule.ConstantSchedule,
        "cosine": schedule.CosineSchedule,
        "one_cycle": schedule.OneCycleSchedule,
        "step": schedule.StepSchedule,
        "plateau": schedule.PlateauSchedule,
    },
    "trainer": {"default": training.TrainerConfig},
    "callbacks": {"tensorboard": callbacks.TensorBoardConfig},
    "guard": {"default": guard.GuardConfig},
    "tracking": {"mlflow": record.MlflowTracking, "none": record.NoTracking},
}
LISTS = ("callbacks",)
"""Groups of which any number of options are chosen: `callbacks=[a,b]`."""
VERBS: dict[str, type] = {
    "train": verbs.RunConfig,
    "explore": explore.ExploreConfig,
    "stage": verbs.StageConfig,
    "evaluate": verbs.EvaluateConfig,
    "runs": verbs.RunsConfig,
    "report": verbs.ReportConfig,
    "promote": verbs.PromoteConfig,
    "rollback": verbs.RollbackConfig,
    "predict": verbs.PredictConfig,
    "embed": similar.EmbedConfig,
    "similar": similar.SimilarConfig,
    "recommend": recommend.RecommendConfig,
    "export": verbs.ExportConfig,
    "serve": serve.ServeConfig,
    "ui": verbs.UiConfig,
    "fetch": verbs.FetchConfig,
    "clean": verbs.CleanConfig,
    "doctor": doctor.DoctorConfig,
}


def register_schemas() -> None:
    """Put every schema into Hydra's ConfigStore; doing it again changes nothing."""
    OmegaConf.register_new_resolver(CLASS_MAP, class_map, replace=True)
    OmegaConf.register_new_resolver("expanded", lambda path: str(Path(path).expanduser()), replace=True)
    _store_schemas(ConfigStore.instance())


@cache
def _store_schemas(store: ConfigStore) -> None:
    """Once a store: turning all of them into nodes takes as long as composing a config does."""
    for group, schemas in GROUPS.items():
        for name, schema in schemas.items():
            store.store(group=f"schema/{group}", name=name, node=schema, provider="hmexp")
    for name, schema in VERBS.items():
        store.store(group="schema", name=name, node=schema, package="_global_", provider="hmexp")


def to_config(cfg: DictConfig, schema: type[T]) -> T:
    """Turn a composed config into its dataclasses, checked by their rules.

    Raises:
        UserError: A key that no schema has, a value that is missing, or a value that a rule refuses.
    """
    unknown = _unknown_keys(cfg)
    if unknown:
        key, valid = unknown[0]
        raise unknown_key(key, valid)
    missing = sorted(OmegaConf.missing_keys(cfg))
    if missing:
        raise UserError(f"{missing[0]}: expected a value, received none (give {missing[0]}=...)")
    config = OmegaConf.to_object(cfg)
    if not isinstance(config, schema):
        raise TypeError(f"expected a config composed from {schema.__name__}, received {type(config)}")
    return config


def _unknown_keys(cfg: DictConfig, prefix: str = "") -> list[tuple[str, list[str]]]:
    """Keys that `+key=` added beside a schema, each with the names that the schema has."""
    schema = OmegaConf.get_type(cfg)
    if schema is None or not is_dataclass(schema):
        return []
    names = [f.name for f in fields(schema)]
    found: list[tuple[str, list[str]]] = []
    for key in cfg:
        path = f"{prefix}{key!s}"
        if key not in names:
            found.append((path, [f"{prefix}{name}" for name in names]))
        elif not OmegaConf.is_missing(cfg, key) and isinstance(raw_node(cfg, str(key)), DictConfig):
            found += _unknown_keys(raw_node(cfg, str(key)), f"{path}.")
    return found
