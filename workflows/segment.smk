# Slides -> results: one job per slide, then the tables over all of them.
#
# A slide that cannot be segmented is tried again; after its last attempt it is named in
# OUT/failed.csv and left out, and the tables are written all the same. Started again, the workflow
# tries those slides anew and leaves all others alone.

import csv
import io

OUT = out_folder()
WORK = OUT / "workflow"
OPTIONS = shlex.split(str(config.get("options", "")))
MODELS = shlex.split(str(config.get("models", "")))
# Measured in docs/workflows.md; a model twice as slow wants twice the minutes.
MINUTES_PER_MEGAPIXEL = float(config.get("minutes_per_megapixel", 0.05))
INFER = command("scripts/infer.ts")


def write_if_changed(path, text):
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(text)
    part.replace(path)


def as_table(rows):
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def list_slides():
    """The slides by id, as `deno task infer` lists them; jobs read what the main process wrote."""
    table = WORK / "slides.csv"
    if not workflow.is_main_process:
        text = table.read_text()
    else:
        images = str(Path(str(config["images"])).resolve())
        listed = subprocess.run(
            f"{INFER} --list --images {shlex.quote(images)}",
            shell=True, capture_output=True, text=True,
        )
        if listed.returncode != 0:
            raise WorkflowError(listed.stderr.strip())
        text = listed.stdout
        write_if_changed(table, text)
    rows = list(csv.DictReader(io.StringIO(text)))
    if workflow.is_main_process:
        # A table for each: what a job computes does not change when the folder does.
        for row in rows:
            write_if_changed(WORK / "slides" / f"{row['id']}.csv", as_table([row]))
    return {row["id"]: row for row in rows}


SLIDES = list_slides()


def megapixels(slide):
    """Of an unreadable slide: 0, its job ends at once."""
    row = SLIDES[slide]
    return int(row["height"] or 0) * int(row["width"] or 0) / 1e6


def slide_file(wildcards):
    """A slide that is not there fails like one that cannot be read, and stops nothing else."""
    path = SLIDES[wildcards.slide]["image"]
    return [path] if Path(path).exists() else []


def memory(wildcards, attempt):
    # A process, its models and windows, and what lies in memory whole up to 64 megapixels.
    held = min(megapixels(wildcards.slide), 64) * 12
    return int((1800 + held) * attempt)


def minutes(wildcards, attempt):
    least = float(config.get("least_minutes", 10))
    return max(1, round((least + megapixels(wildcards.slide) * MINUTES_PER_MEGAPIXEL) * attempt))


def read_rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def row_of_failed(slide, message):
    return {"slide": slide, "message": message, "log": str(Path("workflow/logs") / f"{slide}.log")}


def failed_by_outcomes():
    """Where no tables can be made: the slides whose jobs did not say `done`."""
    failed = []
    for slide in SLIDES:
        outcome = WORK / "outcomes" / f"{slide}.txt"
        if not (outcome.exists() and outcome.read_text().strip() == "done"):
            log, said = WORK / "logs" / f"{slide}.log", f"failed: {slide}: "
            lines = log.read_text().splitlines() if log.exists() else []
            why = [line[len(said):] for line in lines if line.startswith(said)]
            failed.append(row_of_failed(slide, (why or ["no result: its jobs were ended"])[-1]))
    return failed


def write_failed(failed):
    header = "slide,message,log\n"
    write_if_changed(OUT / "failed.csv", as_table(failed) if failed else header)
    return failed


def write_tables(log, at_end=False):
    """The tables over all slides that have a state, and `failed.csv`: who is missing, and why.

    Results that do not fit in one table are an error; at the end of a run they are said, and
    `failed.csv` is written all the same.
    """
    done = subprocess.run(
        f"{INFER} --collect --images {shlex.quote(str(WORK / 'slides.csv'))} "
        f"--out {shlex.quote(str(OUT))}",
        shell=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    Path(log).write_text(done.stderr)
    if done.returncode > 1:  # 1: slides failed, which the tables say
        message = f"the tables could not be written: {done.stderr.strip()}"
        if not at_end:
            raise WorkflowError(message)
        print(message)
        return write_failed(failed_by_outcomes())
    summary = OUT / "summary.csv"  # absent where no slide has a state
    states = {row["img"]: row for row in read_rows(summary)} if summary.exists() else {}
    failed = []
    for slide in SLIDES:
        state = states.get(slide, {"status": "", "message": "no result: its jobs were ended"})
        if state["status"] != "done":
            failed.append(row_of_failed(slide, state["message"]))
    return write_failed(failed)


def say_and_forget(failed):
    """Names failed slides, and takes their outcomes away so that the next run tries them again."""
    for row in failed:
        print(f"failed: {row['slide']}: {row['message']} ({row['log']})")
        (WORK / "outcomes" / f"{row['slide']}.txt").unlink(missing_ok=True)
    if failed:
        print(f"{len(failed)} of {len(SLIDES)} slides failed; the same command tries them again")


wildcard_constraints:
    slide="[^/]+",


TARGETS = [OUT / "summary.csv"]


rule slide:
    input:
        slide_file,
    output:
        WORK / "outcomes" / "{slide}.txt",
    log:
        WORK / "logs" / "{slide}.log",
    benchmark:
        WORK / "benchmarks" / "{slide}.tsv"
    params:
        command=INFER,
        table=lambda wildcards: WORK / "slides" / f"{wildcards.slide}.csv",
        out=OUT,
        models=shlex.join(word for model in MODELS for word in ("--models", model)),
        options=shlex.join(OPTIONS),
        attempts=RETRIES + 1,
        attempts_file=lambda wildcards: WORK / "attempts" / f"{wildcards.slide}.txt",
    threads: int(config.get("threads", 1))
    retries: RETRIES_HERE
    resources:
        attempt=lambda wildcards, attempt: attempt,
        mem_mb=memory,
        runtime=minutes,
    shell:
        # Attempts are noted beside the log, which Snakemake removes before each.
        # Where an earlier job of this slide still runs (Snakemake was killed, its jobs were not), this
        # one waits for it and finds its result. Exit code 1: this slide failed; others: all would.
        r"""
        mkdir -p "$(dirname {params.attempts_file:q})"
        say() {{ echo "$(date -u +%FT%TZ) $*" >> {params.attempts_file:q}; }}
        exec 9>> {params.table:q}
        if command -v flock > /dev/null; then flock 9; fi
        say "attempt {resources.attempt} of {params.attempts} on $(hostname), job ${{SLURM_JOB_ID:-none}}"
        code=0
        {params.command} --images {params.table:q} --index 0 --out {params.out:q} \
            --threads {threads} {params.models} {params.options} >> {log:q} 2>&1 9>&- || code=$?
        how=""
        if grep -q "already done" {log:q}; then how=", its result was there"; fi
        say "attempt {resources.attempt} ended with code $code$how"
        if [ "$code" = 0 ]; then
            echo done > {output:q}
        elif [ "$code" = 1 ] && [ {resources.attempt} -ge {params.attempts} ]; then
            echo failed > {output:q}
        else
            exit "$code"
        fi
        """


rule tables:
    input:
        expand(WORK / "outcomes" / "{slide}.txt", slide=list(SLIDES)),
    output:
        report(OUT / "summary.csv", category="Slides", caption="report/summary.rst"),
        report(OUT / "failed.csv", category="Slides", caption="report/failed.rst"),
        OUT / "submission.csv",
    log:
        WORK / "logs" / "_tables.log",
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    run:
        write_tables(log[0])


onsuccess:
    say_and_forget(read_rows(OUT / "failed.csv"))


onerror:
    # Jobs were ended from outside until nothing was left to try: what is there gets its tables.
    say_and_forget(write_tables(WORK / "logs" / "_tables.log", at_end=True))
