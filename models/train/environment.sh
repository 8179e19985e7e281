# Read by both run.sh with this folder as the place: a Python with what requirements.txt names, and how it runs.
PYTHON=${PYTHON:-.cache/venv/bin/python}
if [ ! -x "$PYTHON" ]; then
    python3 -m venv .cache/venv
    .cache/venv/bin/pip install -q -r requirements.txt
fi
# An allocator that keeps its pages trains about 1.7 times faster; it is optional.
for library in /usr/lib/*/libjemalloc.so.2 /usr/lib64/libjemalloc.so.2; do
    if [ -e "$library" ]; then
        export LD_PRELOAD="$library" MALLOC_CONF=dirty_decay_ms:-1,muzzy_decay_ms:-1
    fi
done
export OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
