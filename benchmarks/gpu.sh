#!/bin/sh
# The figures of one GPU, as Markdown, in under 8 minutes: `sh benchmarks/gpu.sh ROOT [arguments of gpu.py] > rows.md`.
#
# ROOT is a folder of pictures a class, with or without train/, validation/ and test/. It takes JAX or PyTorch (the first
# that is installed), Keras and hmexp's wheel, and neither TensorFlow nor MLflow; nothing is downloaded.
# `sh benchmarks/gpu.sh ROOT --small` tries all of it on a CPU.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
python=${PYTHON:-python}
for backend in jax torch; do
    if "$python" -c "import importlib.util as u; raise SystemExit(u.find_spec('$backend') is None)"; then
        export KERAS_BACKEND="$backend" TF_CPP_MIN_LOG_LEVEL=2
        exec "$python" "$here/gpu.py" "$@"
    fi
done
echo "gpu.sh: expected JAX or PyTorch, received an environment without both" >&2
exit 2
