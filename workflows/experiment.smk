# A grid of trainings -> one job per fold, out-of-fold maps, one table and one figure.
#
# Configurations are architectures x encoders x settings. Each fold is trained into a folder of its
# own (trainings lock theirs); the maps of a configuration are those of images that its folds have not
# seen, and all scores and the choice of the ensemble are made on these.

import itertools
import json
import re

OUT = out_folder()
GRID = config["experiment"]
KNOWN = {
    "data", "profile", "architectures", "encoders", "folds", "fold_count", "set", "settings",
    "model", "largest_ensemble", "cores", "memory_mb", "minutes", "tta",
}


def check_grid():
    unknown = set(GRID) - KNOWN
    if unknown:
        raise WorkflowError(f"experiment: unknown {', '.join(sorted(unknown))}; known: {sorted(KNOWN)}")
    for key in ("data", "profile", "architectures", "encoders", "folds"):
        if not GRID.get(key):
            raise WorkflowError(f"experiment: {key} is missing")
    if not set(GRID["folds"]) <= set(range(GRID.get("fold_count", 5))):
        raise WorkflowError(f"experiment: folds {GRID['folds']} of {GRID.get('fold_count', 5)}")


check_grid()
# Relative to the project, as `deno task train` takes it.
DATA = Path(os.path.normpath(PROJECT / str(config.get("data", GRID["data"]))))
if not DATA.exists():
    raise WorkflowError(f"experiment: no data set at {DATA} (--config data=FOLDER names another)")


def short(text):
    text = re.sub(r"^(timm-)?(tf_)?efficientnet[-_]", "", text)
    return re.sub(r"[^a-z0-9.+-]+", "_", text.lower())


def configurations():
    """Name -> architecture, encoder and settings of the profile."""
    found = {}
    settings = GRID.get("settings") or {"": {}}
    for architecture, encoder, variant in itertools.product(
        GRID["architectures"], GRID["encoders"], settings
    ):
        name = "_".join(filter(None, [short(architecture), short(encoder), short(variant)]))
        if name in found:
            raise WorkflowError(f"experiment: two configurations are called {name}")
        model = {**GRID.get("model", {}), "architecture": architecture, "encoder": encoder}
        found[name] = {
            "model": model,
            "modelName": name,
            "foldCount": GRID.get("fold_count", 5),
            **GRID.get("set", {}),
            **(settings[variant] or {}),
        }
    return found


CONFIGURATIONS = configurations()
FOLDS = GRID["folds"]
TARGETS = [OUT / "table.csv"]


def fold_folder(name, fold):
    return OUT / "trainings" / name / f"fold{fold}"


def model_file(name, fold):
    return fold_folder(name, fold) / "models" / f"{name}_fold{fold}.safetensors"


def settings_of(wildcards):
    values = {**CONFIGURATIONS[wildcards.name], "folds": [int(wildcards.fold)]}
    return shlex.join(
        word for key, value in values.items()
        for word in ("--set", f"{key}={value if isinstance(value, str) else json.dumps(value)}")
    )


wildcard_constraints:
    name="[a-z0-9_.+-]+",
    fold="[0-9]+",


rule train:
    output:
        # `protected` would be in the way of a resumed training, and Snakemake must not remove what is
        # there of one that was killed: the model is copied when its training has ended.
        OUT / "models" / "{name}_fold{fold}.safetensors",
    log:
        OUT / "logs" / "train_{name}_fold{fold}.log",
    benchmark:
        OUT / "benchmarks" / "train_{name}_fold{fold}.tsv"
    params:
        command=command("scripts/train.ts"),
        data=DATA,
        profile=GRID["profile"],
        folder=lambda wildcards: fold_folder(wildcards.name, wildcards.fold),
        model=lambda wildcards: model_file(wildcards.name, wildcards.fold),
        settings=settings_of,
    threads: GRID.get("cores", 2)
    retries: RETRIES_HERE
    resources:
        mem_mb=lambda wildcards, attempt: GRID.get("memory_mb", 8000) * attempt,
        runtime=lambda wildcards, attempt: GRID.get("minutes", 240) * attempt,
    shell:
        r"""
        OMP_NUM_THREADS={threads} TF_NUM_INTRAOP_THREADS={threads} \
            {params.command} --data {params.data:q} --profile {params.profile} \
            --out {params.folder:q} {params.settings} --no-test > {log:q} 2>&1
        cp {params.model:q} {output:q}.part
        mv {output:q}.part {output:q}
        """


rule out_of_fold:
    input:
        lambda wildcards: [OUT / "models" / f"{wildcards.name}_fold{k}.safetensors" for k in FOLDS],
    output:
        OUT / "out_of_fold" / "{name}" / "dice.csv",
    log:
        OUT / "logs" / "out_of_fold_{name}.log",
    benchmark:
        OUT / "benchmarks" / "out_of_fold_{name}.tsv"
    params:
        command=command("scripts/out_of_fold.ts"),
        data=DATA,
        models=lambda wildcards: OUT / "models" / f"{wildcards.name}_fold?.safetensors",
        folder=lambda wildcards: OUT / "out_of_fold" / wildcards.name,
        tta=GRID.get("tta", "d4"),
    threads: GRID.get("cores", 2)
    retries: RETRIES_HERE
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: GRID.get("minutes", 240) * attempt,
    shell:
        "{params.command} --data {params.data:q} --models {params.models:q} "
        "--out {params.folder:q} --tta {params.tta} --threads {threads} > {log:q} 2>&1"


rule compare:
    input:
        expand(OUT / "out_of_fold" / "{name}" / "dice.csv", name=list(CONFIGURATIONS)),
    output:
        report(OUT / "table.csv", category="Comparison", caption="report/table.rst"),
        OUT / "table.md",
        report(OUT / "differences.csv", category="Comparison", caption="report/differences.rst"),
        report(OUT / "figure.svg", category="Comparison", caption="report/figure.rst"),
        OUT / "figure.jpg",
        OUT / "ensemble.txt",
    log:
        OUT / "logs" / "compare.log",
    params:
        command=command("scripts/compare.ts"),
        data=DATA,
        out=OUT,
        largest=GRID.get("largest_ensemble", 3),
        names=" ".join(CONFIGURATIONS),
    threads: 1
    retries: RETRIES_HERE
    resources:
        mem_mb=lambda wildcards, attempt: 6000 * attempt,
        runtime=120,
    shell:
        "{params.command} --data {params.data:q} --out {params.out:q} "
        "--largest {params.largest} {params.names} > {log:q} 2>&1"
