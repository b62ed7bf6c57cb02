"""The verbs `promote` and `rollback`."""

from hmexp.config.invocation import Invocation
from hmexp.config.verbs import PromoteConfig, RollbackConfig
from hmexp.console import log
from hmexp.metrics.names import parse_best
from hmexp.promotion.promote import Promotion, back, best_run, move
from hmexp.tracking.complete import close_dead_runs, complete_records
from hmexp.tracking.registry import CHAMPION, PREVIOUS, Registry, name_for, registry_for_reading
from hmexp.tracking.runs import all_runs, find_run
from hmexp.tracking.store import open_store


def promote(config: PromoteConfig, invocation: Invocation) -> Promotion:
    """Make the given run's model, or the best one's, the champion."""
    metric = parse_best("metric", config.metric)
    cfg = config.tracking
    client = open_store(cfg, config.paths)
    close_dead_runs(cfg, config.paths)
    complete_records(cfg, config.paths)
    if config.run is not None:
        run = find_run(client, cfg, config.paths, config.run)
    else:
        run = best_run(all_runs(client, cfg), config.metric, metric.higher_is_better)
    registry = Registry(client, cfg.model_name or name_for(run))
    promotion = move(registry, run)
    value = run.data.metrics.get(config.metric)
    figure = "" if value is None else f", {config.metric} {value:.4f}"
    if promotion.before == promotion.version:
        log.info(
            f"{registry.name} version {promotion.version} is the {CHAMPION} already (run {run.info.run_id}{figure})"
        )
        return promotion
    log.info(f"{registry.name} version {promotion.version} is the {CHAMPION} now (run {run.info.run_id}{figure})")
    if promotion.before is not None:
        log.info(f"version {promotion.before} is {PREVIOUS}; `hmexp rollback` goes back to it")
    return promotion


def rollback(config: RollbackConfig, invocation: Invocation) -> Promotion:
    """Make the champion before the champion again."""
    client = open_store(config.tracking, config.paths)
    registry = registry_for_reading(client, config.tracking)
    promotion = back(registry)
    run = registry.run_of(promotion.version)
    log.info(f"{registry.name} version {promotion.version} is the {CHAMPION} again (run {run}), not {promotion.before}")
    return promotion
