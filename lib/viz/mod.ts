/** Tensors, masks and tables become images: figures, overlays, montages, the explorable figure. */
export { explorableFigure, explorablePage } from "./explorable/explorable.ts";
export { tilePictures } from "./explorable/thumbnails.ts";
export {
  barFigure,
  type ChartOptions,
  curvesFigure,
  histogramFigure,
  type Line,
  linesFigure,
} from "./figures/charts.ts";
export { contactSheet } from "./figures/contact_sheet.ts";
export { type Interval, intervalFigure } from "./figures/intervals.ts";
export { type LinePanel, panelsFigure } from "./figures/line_panels.ts";
export { networkFigure, receptiveField } from "./figures/network_figure.ts";
export { optimizerFigure } from "./figures/optimizer_figure.ts";
export { pixelGridFigure } from "./figures/pixel_grid.ts";
export {
  type Points,
  scatterFigure,
  type ScatterOptions,
  smallMultiples,
} from "./figures/scatter.ts";
export { COLOURS } from "./figures/style.ts";
export {
  type EmbeddedTile,
  METHOD_TITLES,
  type NamedFigure,
  twelveFigures,
} from "./figures/twelve.ts";
export { figureJpeg, figurePng, writeFigure } from "./figures/write.ts";
export { montage } from "./montage.ts";
export { errorMap } from "./overlays/errors.ts";
export { heatColour, heatMap, heatOverlay } from "./overlays/heat.ts";
export {
  overlayBoth,
  type OverlayOptions,
  overlayPanels,
  PREDICTION_COLOUR,
  type TileOverlayOptions,
  TRUTH_COLOUR,
  writeTileOverlays,
} from "./overlays/overlays.ts";
export { labelMap } from "./overlays/labels.ts";
export { panels, type TitledPanel } from "./overlays/panels.ts";
export { scaleBarLength, withColourBar, withScaleBar } from "./overlays/scales.ts";
export { drawWindows } from "./patch_windows.ts";
