"""The verbs: one table, one entry each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Verb:
    """One verb.

    Attributes:
        name: The word.
        config: Its primary config, a file of `conf/`.
        schema: Of that config, in `hmexp.config.schemas.VERBS`; its fields say which keys are free text.
        function: `module:function`, called with the configuration and how it was called.
        help: Its line in the help.
        sweeps: Whether `-m` makes a sweep of it.
        recalls: Whether it can be put on top of a stored run (`resume=`, `rerun=`, `fork=`, `run=`).
    """

    name: str
    config: str
    schema: str
    function: str
    help: str
    sweeps: bool = False
    recalls: bool = False


TABLE = (
    Verb(
        "train",
        config="train",
        schema="train",
        function="hmexp.runner.train:train",
        help="catalogue -> store -> fit -> evaluate -> MLflow",
        sweeps=True,
        recalls=True,
    ),
    Verb(
        "evaluate",
        config="evaluate",
        schema="evaluate",
        function="hmexp.runner.evaluate:evaluate",
        help="a run's model on a split, or against another's",
        recalls=True,
    ),
    Verb(
        "explore",
        config="explore",
        schema="explore",
        function="hmexp.exploration.explore:explore",
        help="what a catalogue holds and what merge, balance and split make of it: findings and a page",
        recalls=True,
    ),
    Verb(
        "stage",
        config="stage",
        schema="stage",
        function="hmexp.runner.stage:stage",
        help="build the image store and nothing else",
        recalls=True,
    ),
    Verb(
        "fetch",
        config="fetch",
        schema="fetch",
        function="hmexp.catalogue.fetch:fetch",
        help="bring H&M's Kaggle archive in: extract zip=FILE, or download it with kaggle=true",
    ),
    Verb(
        "runs",
        config="runs",
        schema="runs",
        function="hmexp.sweeps.verbs:runs",
        help="the leaderboard, runs side by side (compare=A,B), or a sweep's table (sweep=SWEEP)",
    ),
    Verb(
        "report",
        config="report",
        schema="report",
        function="hmexp.sweeps.report:report",
        help="draw the page of a run, an evaluation or a sweep again, from saved numbers",
    ),
    Verb(
        "promote",
        config="promote",
        schema="promote",
        function="hmexp.promotion.verbs:promote",
        help="make the best run's model the champion, if the guards hold",
    ),
    Verb(
        "rollback",
        config="rollback",
        schema="rollback",
        function="hmexp.promotion.verbs:rollback",
        help="back to the champion before",
    ),
    Verb(
        "predict",
        config="predict",
        schema="predict",
        function="hmexp.inference.predict:predict",
        help="classify a whole catalogue, or any pictures",
    ),
    Verb(
        "embed",
        config="embed",
        schema="embed",
        function="hmexp.recommend.verbs:embed",
        help="features of a whole catalogue's pictures; evaluate=true measures what they find",
    ),
    Verb(
        "similar",
        config="similar",
        schema="similar",
        function="hmexp.recommend.verbs:similar",
        help="articles that look like article_id=ID, or like image=FILE",
    ),
    Verb(
        "recommend",
        config="recommend",
        schema="recommend",
        function="hmexp.recommend.recommend:recommend",
        help="twelve articles for each customer, measured on the last week, and submission.csv",
    ),
    Verb(
        "export",
        config="export",
        schema="export",
        function="hmexp.inference.export:export",
        help="a model as SavedModel, ONNX and LiteRT, each checked",
    ),
    Verb(
        "clean",
        config="clean",
        schema="clean",
        function="hmexp.cleaning.verbs:clean",
        help="list what is left behind (failed runs, stale stores), and with yes=true remove it",
    ),
    Verb(
        "serve",
        config="serve",
        schema="serve",
        function="hmexp.serving.serve:serve",
        help="the champion behind a web page and a JSON API",
    ),
    Verb(
        "ui",
        config="ui",
        schema="ui",
        function="hmexp.runner.ui:ui",
        help="open the MLflow UI on the right store",
    ),
    Verb(
        "doctor",
        config="doctor",
        schema="doctor",
        function="hmexp.doctor.doctor:doctor",
        help="check the installation, the devices, a training step, the places, MLflow, the data and the stores",
        recalls=True,
    ),
)
VERBS = {verb.name: verb for verb in TABLE}
