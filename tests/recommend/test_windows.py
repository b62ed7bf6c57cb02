"""Windows lie one behind the other, and none that is learned from reaches into validation."""

import pytest

from hmexp.config.errors import UserError
from hmexp.config.recommend import WindowsConfig
from hmexp.recommend.windows import Window, plan_windows


def test_the_last_week_is_predicted_from_the_weeks_before():
    plan = plan_windows(WindowsConfig(days=7, train=3), first=0, last=99)
    assert plan.validation == Window(93, 7)
    assert [window.cutoff for window in plan.train] == [86, 79, 72]
    assert plan.final == Window(100, 7)
    assert [window.cutoff for window in plan.final_train] == [93, 86, 79]


@pytest.mark.parametrize("cfg", [WindowsConfig(3, 2, 1, 1), WindowsConfig(3, 2, 2, 1), WindowsConfig(7, 4, history=30)])
def test_no_window_ends_behind_the_cut_off_of_what_it_is_for(cfg):
    plan = plan_windows(cfg, first=0, last=99)
    assert all(window.cutoff + window.days <= plan.validation.cutoff for window in plan.train)
    assert all(window.cutoff + window.days <= plan.final.cutoff for window in plan.final_train)
    assert {window.history for window in (plan.validation, plan.final, *plan.train)} == {cfg.history}


def test_four_days_of_history_are_enough_for_windows_of_a_day():
    plan = plan_windows(WindowsConfig(days=3, train=2, train_days=1, step=1), first=0, last=6)
    assert [window.cutoff for window in plan.train] == [3, 2]


def test_too_few_days_are_refused_with_how_many_are_needed():
    plan_windows(WindowsConfig(days=7, train=4), first=0, last=35)
    with pytest.raises(
        UserError, match=r"windows: expected at least 36 days .*, received 35 \(1970-01-01 to 1970-02-04"
    ):
        plan_windows(WindowsConfig(days=7, train=4), first=0, last=34)
