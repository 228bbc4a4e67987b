/** What `deno task infer --help` says. */
export const HELP = `Segments crypts in images, one after another; finished images are skipped.

deno task infer --images DIR|IMAGE|MANIFEST.csv [--models GLOB] [--out DIR] [options]

  --images PATH        a folder, an image, or a CSV with the column image (and id, pixel_size_um, mask)
  --models GLOB        the ensemble: .safetensors of Training, PyTorch's .pth, or .onnx; repeatable
                       (default: the bundled model)
  --out DIR            masks/, crypts/, geojson/, overlays/, encodings/, state/ and, over all images,
                       submission.csv and summary.csv (default: IMAGES_crypts beside the images)
  --masks DIR          ground truth <id>.tiff, masks or labels: also dice_report_submission.csv and
                       scores.csv, and dashed outlines in overlays/
  --index I            only the image number I (from 0), for arrays of jobs; tables are not written
  --collect            only writes the tables over all images, after runs with --index; takes no settings
  --count              only prints the number of images
  --list               only prints the images as a table that --images takes, with height and width
                       where the files say them (for workflows/)
  --workers N          processes that share the images, default 1

  --pixel-size F       µm per pixel of the images, whatever their files state (a table's pixel_size_um
                       counts before it); where they differ by over 2%, the result has a warning
  --scale F            resizes images by this, whatever their pixel size (default: to the µm per pixel
                       of the models; where either is unknown, that of training)
  --normalize-stain    gives every image the usual stain first (Macenko)
  --mode MODE          sliding (default) or original: tiles edge to edge, padded with white
  --tile N             side of a tile (default: that of training, else 512)
  --overlap F          of sliding windows, default 0.25
  --weights KIND       gaussian (default) or constant
  --tta KIND           none (default), flips or d4: all eight flips and rotations
  --combine KIND       over the models: mean (default) or max
  --threshold F        probabilities above it are crypt (default: the models' own, else 0.5)
  --interior F         boundary models: crypts grow from where p(interior) - p(boundary) is at least this
                       (default: the models' own, else 0)
  --min-probability F  crypts of a lower mean probability are left out (default: the models' own,
                       else 0); masks keep all
  --no-skip-glass      asks the models in windows of glass, too
  --min-area-um2 F     smallest crypt in µm² (default: the models' own, else 200); masks keep all
  --min-area N         the same in pixels of the full image (where µm are unknown: 500), instead of µm²
  --split              cuts touching crypts apart by shape (models with a boundary need it not)

  --no-geojson         no geojson/<id>.geojson for QuPath
  --no-overlay         no overlays/<id>.jpg
  --labels             labels/<id>.tiff: one value per crypt
  --probability        probability/<id>.tiff
  --uncertainty        uncertainty/<id>_entropy.tiff and _disagreement.tiff

  --engine NAME        auto (default: ONNX Runtime, on GPUs TensorFlow.js), onnx or tensorflow
  --backend NAME       TensorFlow.js backend (implies --engine tensorflow), or onnx
  --threads N          of ONNX Runtime, with all workers at most 4 per core (default: one per core)
  --batch N            tiles per forward pass, default 4
  --expect ENCODER     refuses models with another encoder
  --force              does finished images anew

Exit: 0 all is done, 1 images failed (they are listed) or a file cannot be written, 2 the command
cannot be run as given, 130 or 143 it was interrupted.`;
