"""Ends `promote`, `rollback`, `predict` and `fetch` by signals at any moment, and goes on as a user would.

Usage: deploy_kills.py FOLDER COUNT [SEED]     prints a JSON line a kill, and what was wrong, if anything was

Afterwards the aliases are those of before or of after, the ledger says which, and nothing in it is half done; tables
and extracted files have the bytes that they have without a kill.
"""

import filecmp
import json
import random
import shutil
import sys
import time
import zipfile
from pathlib import Path

from kills import SIGNALS, WHOLE, finish, kill

COMMANDS = {
    "promote": ["promote", "run={first}", "force=true", "reason=a trial"],
    "rollback": ["rollback"],
    "predict": ["predict", "data=sample", "batch_size=8", "out=out.csv"],
    "fetch": ["fetch", "zip=../archive.zip", "to=out"],
}
TURNS = tuple(COMMANDS)
BEFORE = {"champion": "2", "previous": "1"}
AFTER = {"promote": {"champion": "1", "previous": "2"}, "rollback": {"champion": "1"}}


class Place:
    """Two runs of which the second is the champion, and what the commands give without a kill."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.trained = folder, folder / "trained"
        self.trained.mkdir()
        for seed in (0, 1):
            self.run([*WHOLE, f"seed={seed}"], self.trained)
        records = [json.loads(path.read_text()) for path in sorted(self.trained.glob("mlruns/jobs/*/run.json"))]
        self.first, second = (record["run_id"] for record in records)
        for run in (self.first, second):
            self.run(["promote", f"run={run}", "force=true", "reason=a start"], self.trained)
        # The trained folder's own cache holds the sample; every try has a copy of it.
        [sample] = (path for path in (self.trained / "cache" / "sample").iterdir() if path.is_dir())
        with zipfile.ZipFile(folder / "archive.zip", "w") as archive:
            for path in sorted(path for path in sample.rglob("*") if path.is_file()):
                archive.write(path, path.relative_to(sample))
        self.whole = self.copy("whole")
        self.seconds = {name: self.timed(name) for name in COMMANDS}

    def words(self, name: str) -> list[str]:
        return [word.format(first=self.first) for word in COMMANDS[name]]

    def copy(self, name: str) -> Path:
        shutil.copytree(self.trained, self.folder / name)
        return self.folder / name

    def run(self, words: list[str], root: Path) -> None:
        code, said = finish(words, root)
        assert code == 0, said

    def timed(self, name: str) -> float:
        """Seconds that a command takes that nobody ends; its output stays to be compared with."""
        root = self.whole if name in ("predict", "fetch") else self.copy(f"timed_{name}")
        start = time.monotonic()
        self.run(self.words(name), root)
        return time.monotonic() - start


def files_of(root: Path) -> dict[str, Path]:
    """What was extracted, by its name."""
    files = sorted(path for path in (root / "out").rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path for path in files}


def aliases_of(root: Path) -> tuple[dict[str, str], list[str], list[str]]:
    """The aliases, the champions by the ledger, and the states of its entries."""
    from hmexp.config.record import MlflowTracking, PathsConfig
    from hmexp.tracking.ledger import Ledger
    from hmexp.tracking.registry import registry_for_reading
    from hmexp.tracking.store import open_store

    cfg, paths = MlflowTracking(), PathsConfig(root=str(root))
    client = open_store(cfg, paths)
    ledger = Ledger(cfg, paths, registry_for_reading(client, cfg))
    experiment = client.get_experiment_by_name("hmexp-ledger").experiment_id
    states = [run.info.status for run in client.search_runs([experiment])]
    return ledger.registry.aliases(), ledger.champions(), states


def faults(name: str, codes: list[int], said: list[str], root: Path, place: Place) -> list[str]:
    """What is wrong after it went on."""
    wrong = [f"exit {codes[-1]}: {said[-1][-600:]}"] if codes[-1] != 0 else []
    wrong += [f"traceback: {text[-1500:]}" for text in said if "Traceback (most recent" in text]
    aliases, champions, states = aliases_of(root)
    expected = [BEFORE, AFTER[name]] if name in AFTER else [BEFORE]
    if name == "promote":
        expected = [AFTER[name]]
    if aliases not in expected or champions[-1:] != [aliases["champion"]]:
        wrong.append(f"aliases {aliases}, champions {champions}")
    if set(states) != {"FINISHED"}:
        wrong.append(f"entries {states}")
    if name == "predict" and (root / "out.csv").read_bytes() != (place.whole / "out.csv").read_bytes():
        wrong.append("another table")
    if name == "fetch":
        files, others = (
            sorted(path for path in (at / "out").rglob("*") if path.is_file()) for at in (root, place.whole)
        )
        same = [path.relative_to(root) for path in files] == [path.relative_to(place.whole) for path in others]
        if not same or not all(filecmp.cmp(*pair, shallow=False) for pair in zip(files, others, strict=True)):
            wrong.append("other files")
    if list(root.glob("*.parts")):
        wrong.append("parts are left")
    return wrong


def main(folder: Path, count: int, seed: int = 0) -> int:
    """Kills `count` commands; gives how many were not gone on with well."""
    folder.mkdir(parents=True, exist_ok=True)
    draw, place, failed = random.Random(seed), Place(folder), 0
    for number in range(count):
        name = TURNS[number % len(TURNS)]
        root = place.copy(f"{number:03d}_{name}")
        after, signal_number = draw.uniform(0.1, place.seconds[name]), draw.choice(SIGNALS)
        code, text = kill(place.words(name), root, signal_number, after)
        codes, said = [code], [text]
        if code != 0:  # a rollback may be done, and would go back one more: any other command ends it
            words = ["promote", "history=true"] if name == "rollback" else place.words(name)
            code, text = finish(words, root)
            codes.append(code)
            said.append(text)
        wrong = faults(name, codes, said, root, place)
        failed += bool(wrong)
        about = {"number": number, "command": name, "signal": signal_number.name, "after": round(after, 2)}
        print(json.dumps(about | {"codes": codes, "wrong": wrong}), flush=True)
        shutil.rmtree(root)
    return failed


if __name__ == "__main__":
    sys.exit(min(1, main(Path(sys.argv[1]).absolute(), int(sys.argv[2]), *map(int, sys.argv[3:4]))))
