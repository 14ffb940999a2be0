#!/usr/bin/env bash
# Checks on a machine with one GPU, at most eight minutes: random weights of the 3B and 7B shapes. It needs torch for
# the GPU and the packages of pyproject.toml; nothing is downloaded. JSON goes to OUT (default: results/device).
#
#   bash benchmarks/performance/device.sh                     # a GPU
#   SHAPES=tiny bash benchmarks/performance/device.sh         # the script itself, on a CPU
set -euo pipefail
cd "$(dirname "$0")/../.."
export PYTHONPATH="$PWD/src:$PWD${PYTHONPATH:+:$PYTHONPATH}" HF_HUB_OFFLINE=1
OUT=${OUT:-results/device}
PYTHON=${PYTHON:-python3}
SHAPES=${SHAPES:-3b 7b}
LIMIT=${LIMIT:-100}  # seconds of each part
mkdir -p "$OUT"
failed=0

part() { # NAME COMMAND…: one part that does not end the others; what it printed is kept
    local name=$1 begun=$SECONDS
    shift
    if timeout --kill-after=5 "$LIMIT" "$@" >"$OUT/$name.log" 2>&1; then
        echo "$name: $((SECONDS - begun)) s"
    else
        echo "$name: failed with $? after $((SECONDS - begun)) s"
        tail -n 5 "$OUT/$name.log"
        failed=1
    fi
}

part equality "$PYTHON" -m benchmarks.performance.device equality --json "$OUT/equality.json"
for shape in $SHAPES; do
    part "training_$shape" "$PYTHON" -m benchmarks.performance.device training --shape "$shape" --json "$OUT/training_$shape.json"
    part "step_$shape" "$PYTHON" -m benchmarks.performance.step --shape "$shape" --visual-tokens 800 --answer-tokens 256 \
        --towers frozen --no-before --words 151936 --json "$OUT/step_$shape.json"
done
exit $failed
