#!/usr/bin/env bash
# One Slurm task an image, then one for the common tables:
#
#   export IMAGES=slides/ MODELS='models/*.safetensors' OUT=results OPTIONS='--tta d4 --geojson'
#   workflows/slurm_array.sh submit
#
# A task whose image is done ends at once: submit again to finish what failed or was cut off.
#SBATCH --job-name=crypts
#SBATCH --cpus-per-task=1
#SBATCH --mem=6G
#SBATCH --time=04:00:00
#SBATCH --output=%x-%A_%a.log
set -euo pipefail

: "${IMAGES:?folder or manifest of images}" "${OUT:?folder of results}"
# sbatch runs a copy of this file: the project's folder is passed on.
export PROJECT="${PROJECT:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}"
DENO="${DENO:-deno}"
BLOCK="${BLOCK:-1000}"

infer() {
    "$DENO" run -A --config "$PROJECT/deno.json" "$PROJECT/scripts/infer.ts" --images "$IMAGES" "$@"
}

case "${1:-task}" in
submit)
    : "${MODELS:?pattern of model files}"
    count=$(infer --count)
    # Slurm's own limit of an array is 1001 tasks (MaxArraySize): more slides are several arrays.
    jobs=afterany
    for ((first = 0; first < count; first += BLOCK)); do
        last=$((count - first < BLOCK ? count - first - 1 : BLOCK - 1))
        job=$(FIRST=$first sbatch --parsable --export=ALL --array="0-$last%${PARALLEL:-50}" "$0" task)
        jobs="$jobs:$job"
    done
    sbatch --export=ALL --array=0 --mem=4G --dependency="$jobs" "$0" collect
    ;;
task)
    # As many threads as the task has cores: ONNX Runtime would take all of the node's.
    # shellcheck disable=SC2086  # OPTIONS is a list of words
    infer --models "$MODELS" --out "$OUT" --threads "${SLURM_CPUS_PER_TASK:-1}" \
        --index "$((${FIRST:-0} + SLURM_ARRAY_TASK_ID))" ${OPTIONS:-}
    ;;
collect)
    infer --collect --out "$OUT"
    ;;
*)
    echo "usage: $0 submit|task|collect" >&2
    exit 2
    ;;
esac
