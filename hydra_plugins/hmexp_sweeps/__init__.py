"""Hydra finds plugins only in this namespace; the code is in hmexp.sweeps.plugin."""

from hmexp.sweeps import plugin


class GridSweeper(plugin.GridSweeper):
    """`hydra/sweeper=grid`."""


class KerasTunerSweeper(plugin.KerasTunerSweeper):
    """`hydra/sweeper=keras_tuner`."""


class ProcessLauncher(plugin.ProcessLauncher):
    """`hydra/launcher=process`."""


plugin.register_plugins()
