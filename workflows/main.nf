#!/usr/bin/env nextflow
// Segments hundreds of slides: one process an image, then the common tables.
//
//   nextflow run workflows/main.nf --images DIR|MANIFEST.csv --models 'models/*.safetensors' \
//       --out results [--options '--tta d4 --geojson'] [-profile local|slurm] [-resume]
//
// It runs `deno task infer` (scripts/infer.ts) and nothing else; see workflows/README.md.

nextflow.enable.dsl = 2

params.images = null
params.models = null
params.options = ''
params.deno = 'deno'

process SEGMENT {
    tag "${id}"
    label 'inference'

    input:
    tuple val(id), path(image, stageAs: 'image/*'), val(pixel_size)
    path models, stageAs: 'models/*'

    output:
    path "${id}"

    script:
    """
    printf 'image,id,pixel_size_um\\n"%s","%s",%s\\n' "${image}" "${id}" "${pixel_size}" > manifest.csv
    ${params.deno} run -A --config "${projectDir}/../deno.json" "${projectDir}/../scripts/infer.ts" \\
        --images manifest.csv --models 'models/*' --out "${id}" --index 0 ${params.options}
    """
}

process COLLECT {
    label 'light'
    publishDir params.out, mode: 'copy', saveAs: { name -> name - 'merged/' }

    input:
    path parts, stageAs: 'parts/*'
    val ids

    output:
    path 'merged/*'

    script:
    """
    mkdir merged
    cp -rL parts/*/. merged/
    printf 'image,id\\n' > manifest.csv
    for id in ${ids.collect { "'${it}'" }.join(' ')}; do printf '"%s","%s"\\n' "\$id" "\$id" >> manifest.csv; done
    ${params.deno} run -A --config "${projectDir}/../deno.json" "${projectDir}/../scripts/infer.ts" \\
        --collect --images manifest.csv --out merged
    """
}

workflow {
    if (!params.images || !params.models) {
        error "--images and --models are needed, see the head of workflows/main.nf"
    }
    source = file(params.images, checkIfExists: true)
    images = source.isDirectory()
        ? channel.fromPath("${params.images}/*.{tif,tiff,svs,png,jpg,jpeg}", checkIfExists: true)
            .map { image -> tuple(image.baseName.replaceAll(/(?i)\.ome$/, ''), image, '') }
        : channel.fromPath(params.images)
            .splitCsv(header: true)
            .map { row ->
                def image = file(source.parent.resolve(row.image), checkIfExists: true)
                tuple(row.id ?: image.baseName.replaceAll(/(?i)\.ome$/, ''), image, row.pixel_size_um ?: '')
            }
    models = channel.fromPath(params.models, checkIfExists: true).collect()
    SEGMENT(images, models)
    // Failed images are left out (see nextflow.config) and named in Nextflow's own report.
    COLLECT(SEGMENT.out.collect(), SEGMENT.out.map { folder -> folder.name }.collect())
}
