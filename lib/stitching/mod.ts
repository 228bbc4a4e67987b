/** Where tiles and windows lie, how they are weighed, and how results are put together again. */
export { cutTile, type TilePosition, tilePositions } from "./tiles.ts";
export { type WindowOptions, windowStarts, windowWeights } from "./windows.ts";
