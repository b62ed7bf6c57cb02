"""What every training imports and looks up, once: jobs are forked from the process that has imported this module.

`multiprocessing` imports it in its fork server and nowhere else. Nothing here may start a device or a thread pool,
which a fork would not survive; importing Keras and its backends starts none on a CPU.
"""

import os
import signal

from hmexp.console import quiet_natives
from hmexp.process import keep_for_good, without_collection

for number in (signal.SIGINT, signal.SIGTERM):  # the sweep hears them, and lets its jobs save
    signal.signal(number, signal.SIG_IGN)
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
with quiet_natives(), without_collection():
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401

    import hmexp.runner.session
    import hmexp.tracking.recorder
    import hmexp.training.device  # noqa: F401
    from hmexp.compat.mlflow import index_packages
    from hmexp.reports.page import compile_templates
    from hmexp.runner.environment import packages

    index_packages()
    packages()
    compile_templates()

keep_for_good()  # what is imported stays: a job need not look through it again, nor copy its pages to do so
