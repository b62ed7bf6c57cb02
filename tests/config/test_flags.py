"""Hydra's flags as they are typed: abbreviated, anywhere, in pairs that exclude each other."""

import pytest

from hmexp.config.errors import UserError
from hmexp.config.flags import flags_first


@pytest.mark.parametrize(
    ("words", "read"),
    [
        (["seed=1", "-m", "model.dropout=0,1"], ["--multirun", "seed=1", "model.dropout=0,1"]),
        (["--cfg", "job", "a=1", "--resolve"], ["--resolve", "--cfg=job", "a=1"]),
        (["-cjob", "--pack", "trainer"], ["--cfg=job", "--package=trainer"]),
        (["--multi", "a=1,2", "-cd", "here"], ["--multirun", "--config-dir=here", "a=1,2"]),
        (["~data.limit", "+x=-1"], ["~data.limit", "+x=-1"]),
        (["--info"], ["--info=all"]),
    ],
)
def test_flags_are_written_out_and_stand_first(words, read):
    assert flags_first(words) == read


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-m", "--cfg", "job"], "--multirun: expected one of --run, .*, received --multirun and --cfg"),
        (["--info", "-sc"], "received --info and --shell-completion"),
        (["--resolve"], "--resolve: expected --cfg beside it"),
        (["--no-such", "a=1", "-y"], "--no-such -y: expected flags that --hydra-help lists"),
        (["--cfg", "x"], r"--cfg/-c: invalid choice: 'x' \(choose from"),
        (["--cfg"], "--cfg/-c: expected one argument"),
        (["--con", "x"], "flags: ambiguous option: --con"),
        (["--config-dir="], "--config-dir: expected a folder"),
        (["--", "-x"], "-x: expected flags"),
        (["--", "-1"], "-1: expected KEY=VALUE"),
    ],
)
def test_flags_that_do_not_fit_are_one_line(words, said, capsys):
    with pytest.raises(UserError, match=said) as caught:
        flags_first(words)
    assert "\n" not in str(caught.value)
    assert capsys.readouterr() == ("", "")
