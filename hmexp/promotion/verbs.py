"""The verbs `promote` and `rollback`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from hmexp.config.errors import RunError, UserError
from hmexp.config.invocation import Invocation
from hmexp.config.verbs import PromoteConfig, RollbackConfig
from hmexp.console import log
from hmexp.evaluation.tables import frame_table
from hmexp.metrics.names import parse_best, parse_metric
from hmexp.promotion.candidates import best_run, newest_run, unfit
from hmexp.promotion.contest import Contender, contest
from hmexp.promotion.guards import Evidence, Finding, judge
from hmexp.tracking.complete import close_dead_runs, complete_records
from hmexp.tracking.ledger import PROMOTED, REFUSED, ROLLED_BACK, Entry, Ledger, promotion_lock
from hmexp.tracking.registry import CHAMPION, PREVIOUS, Registry, name_for, registry_for_reading
from hmexp.tracking.runs import DIGEST_TAG, all_runs, find_run
from hmexp.tracking.store import open_store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


@dataclass(frozen=True)
class Promotion:
    """What a promotion or a rollback has changed: versions, None where there was none.

    Attributes:
        version: The champion.
        before: The champion until then.
        findings: What each guard found; empty where there was nothing to compare with.
    """

    version: str
    before: str | None
    findings: tuple[Finding, ...] = ()


def promote(config: PromoteConfig, invocation: Invocation) -> Promotion | pd.DataFrame:
    """Make the given run's model, or the best one's, the champion, if the guards hold.

    Returns:
        What has changed; the ledger with `history`.

    Raises:
        UserError: No run that may challenge.
        RunError: The guards refuse it.
    """
    metric = parse_best("metric", config.metric)
    parse_metric("guard.metric", config.guard.metric)
    client = open_store(config.tracking, config.paths)
    if config.history:
        return _history(config, client)
    close_dead_runs(config.tracking, config.paths)
    complete_records(config.tracking, config.paths)
    with promotion_lock(config.tracking, config.paths):
        if config.run is not None:
            run = find_run(client, config.tracking, config.paths, config.run)
            ledger = _ledger(config, Registry(client, config.tracking.model_name or name_for(run)))
            why = unfit(run, config.metric)
            if why and not config.force:
                raise UserError(f"run: expected a run that may challenge, received {run.info.run_id[:8]}, which {why}")
        else:
            runs = all_runs(client, config.tracking)
            newest = newest_run(runs, config.metric)
            ledger = _ledger(config, Registry(client, config.tracking.model_name or name_for(newest)))
            choice = best_run(runs, config.metric, metric, _foreign(config, ledger.registry, newest))
            run = choice.run
            for line in choice.words():
                log.info(line)
        return _challenge(config, ledger, run)


def rollback(config: RollbackConfig, invocation: Invocation) -> Promotion:
    """Make the champion before the champion again, or a version that was it once.

    Raises:
        UserError: There is none, or its model is gone.
    """
    client = open_store(config.tracking, config.paths)
    with promotion_lock(config.tracking, config.paths):
        ledger = _ledger(config, registry_for_reading(client, config.tracking))
        registry = ledger.registry
        champions = ledger.champions()
        earlier = champions[:-1]
        if config.version is not None:
            once = [entry.version for entry in ledger.entries() if entry.decision != REFUSED]
            known = sorted({*earlier, *once} - set(champions[-1:]), key=int)
            if str(config.version) not in known:
                expected = f"a version that was the champion once ({', '.join(known) or 'none'})"
                raise UserError(f"version: expected {expected}, received {config.version}")
            earlier = [str(config.version)]
        if not earlier:
            raise UserError(f"tracking.model_name: expected a model with an earlier champion, received {registry.name}")
        version, before = earlier[-1], champions[-1]
        registry.bundle(version)  # refuses a model that is gone or was changed
        run_id = registry.run_of(version)
        ledger.decide(Entry(ROLLED_BACK, version, before, run_id, config.reason or "rolled back", forced=False))
    log.info(f"{registry.name} version {version} is the {CHAMPION} again (run {run_id}), not {before}")
    return Promotion(version, before)


def _foreign(config: PromoteConfig, registry: Registry, newest: "Run") -> Callable[["Run"], str]:
    """Why a run is no challenger of this model's champion, in words; MLflow is asked once for all runs."""
    champion = registry.aliases().get(CHAMPION)
    of_data = newest if champion is None else registry.client.get_run(registry.run_of(champion))
    digest = of_data.data.tags.get(DIGEST_TAG)
    than = "the newest run" if champion is None else "the champion"

    def why(run: "Run") -> str:
        if config.tracking.model_name is None and name_for(run) != registry.name:
            return f"of other models than {registry.name}"
        return "" if run.data.tags.get(DIGEST_TAG) == digest else f"on other data than {than}"

    return why


def _ledger(config: PromoteConfig | RollbackConfig, registry: Registry) -> Ledger:
    """The ledger of a model, with what was cut off done; the lock is held."""
    ledger = Ledger(config.tracking, config.paths, registry)
    ledger.settle()
    return ledger


def _challenge(config: PromoteConfig, ledger: Ledger, run: "Run") -> Promotion:
    """Compare a run's model with the champion, and decide."""
    registry = ledger.registry
    bundle = registry.checked_bundle(run)
    before = registry.aliases().get(CHAMPION)
    figure = _figure(run, config.metric)
    if before is not None and registry.version_of(run) == before:
        log.info(f"{registry.name} version {before} is the {CHAMPION} already (run {run.info.run_id}{figure})")
        return Promotion(before, before)
    evidence, findings = _findings(config, ledger, Contender(run, bundle), before)
    failed = [finding for finding in findings if not finding.holds]
    reason = _reason(failed) or ("better by the guards" if findings else "the first champion")
    metrics, details = _record(evidence, findings, run)
    if failed and not config.force:
        ledger.decide(Entry(REFUSED, "", before or "", run.info.run_id, reason, False, metrics, details))
        what = f"run {run.info.run_id[:8]} does not replace version {before} of {registry.name}"
        raise RunError(f"refused: {what}: {reason}")
    reason = f"{config.reason} (forced; {reason})" if failed and config.force else config.reason or reason
    version = registry.register(run, _tags(run))
    ledger.decide(Entry(PROMOTED, version, before or "", run.info.run_id, reason, bool(failed), metrics, details))
    log.info(f"{registry.name} version {version} is the {CHAMPION} now (run {run.info.run_id}{figure}): {reason}")
    if before is not None:
        log.info(f"version {before} is {PREVIOUS}; `hmexp rollback` goes back to it")
    return Promotion(version, before, tuple(findings))


def _findings(
    config: PromoteConfig, ledger: Ledger, challenger: Contender, before: str | None
) -> tuple[Evidence | None, list[Finding]]:
    """What the guards find; nothing where there is no champion, or where a forced promotion cannot be compared."""
    if before is None:
        return None, []
    registry, client = ledger.registry, ledger.client
    try:
        champion = Contender(client.get_run(registry.run_of(before)), registry.bundle(before))
        evidence = contest(client, challenger, champion, config.paths, config.plugins)
    except UserError as error:
        if not config.force:
            raise
        return None, [Finding("comparison", False, f"could not be made: {error}")]
    findings = judge(evidence, config.guard)
    rows = [(finding.guard, "holds" if finding.holds else "FAILS", finding.text) for finding in findings]
    title = f"run {challenger.run.info.run_id[:8]} against version {before}, on {evidence.num_articles:,} articles"
    if evidence.paired is not None:
        figures = [(name, row.a, row.b, row.value, row.low, row.high) for name, row in evidence.paired.metrics.items()]
        columns = ["metric", "challenger", "champion", "difference", "at least", "at most"]
        log.info(frame_table(pd.DataFrame(figures, columns=columns), title))
    log.info(frame_table(pd.DataFrame(rows, columns=["guard", "verdict", "found"]), "Guards", wrapped="found"))
    return evidence, findings


def _record(
    evidence: Evidence | None, findings: list[Finding], run: "Run"
) -> tuple[dict[str, float], dict[str, object]]:
    """What the ledger keeps of a comparison."""
    details: dict[str, object] = {"data_digest": run.data.tags.get(DIGEST_TAG, "")}
    details["guards"] = [{"guard": item.guard, "holds": item.holds, "found": item.text} for item in findings]
    if evidence is None or evidence.paired is None:
        return {}, details
    metrics = {"articles": float(evidence.num_articles)}
    for name, row in evidence.paired.metrics.items():
        metrics |= {f"challenger/{name}": row.a, f"champion/{name}": row.b, f"difference/{name}": row.value}
    details["classes"] = evidence.paired.classes.to_dict(orient="records")
    return metrics, details


def _tags(run: "Run") -> dict[str, str]:
    """Tags of a version: where it comes from and what it has reached."""
    tags = {"run_id": run.info.run_id, "data_digest": run.data.tags.get(DIGEST_TAG, "")}
    return tags | {
        key: f"{value:.6g}" for key, value in run.data.metrics.items() if key.startswith(("best/val/", "test/"))
    }


def _reason(failed: list[Finding]) -> str:
    """What the first guard that failed has found, and the names of the others."""
    if not failed:
        return ""
    others = ", ".join(finding.guard for finding in failed[1:])
    return f"{failed[0].guard}: {failed[0].text}" + (f"; and {others}" if others else "")


def _figure(run: "Run", key: str) -> str:
    value = run.data.metrics.get(key)
    return "" if value is None else f", {key} {value:.4f}"


def _history(config: PromoteConfig, client: "MlflowClient") -> pd.DataFrame:
    """Print the ledger, the newest entry first, and give it."""
    registry = registry_for_reading(client, config.tracking)
    ledger = Ledger(config.tracking, config.paths, registry)
    ledger.settle_if_free()
    difference = f"difference/{config.guard.metric}"
    rows = [
        {
            "when": f"{entry.when:%Y-%m-%d %H:%M}",
            "who": entry.who,
            "decision": f"{entry.decision}{' (forced)' if entry.forced else ''}",
            "from": entry.before,
            "to": entry.version,
            "run": entry.run_id[:8],
            difference: entry.metrics.get(difference),
            "reason": entry.reason,
        }
        for entry in reversed(ledger.entries())
    ]
    table = pd.DataFrame(rows)
    log.info(frame_table(table.head(config.limit), f"Ledger of {registry.name}", wrapped="reason"))
    return table
