/** Pictures, tables and text in a notebook's output. */
import type { DataFrame } from "nodejs-polars";
import { encodePng, type Mask, type RgbImage } from "../image/mod.ts";
import { figurePng } from "../viz/mod.ts";

/** What Deno's Jupyter kernel offers; absent outside of it. */
interface JupyterKernel {
  broadcast(
    type: string,
    content: Record<string, unknown>,
    extra?: { metadata?: Record<string, unknown>; buffers?: Uint8Array[] },
  ): Promise<void>;
}

/** A value that the Deno kernel shows as the output of the cell that ends with it. */
export interface Displayable {
  [JUPYTER_DISPLAY](): Record<string, unknown> | Promise<Record<string, unknown>>;
}

const JUPYTER_DISPLAY: unique symbol = Symbol.for("Jupyter.display") as never;

function kernel(): JupyterKernel | undefined {
  // The kernel defines `Deno.jupyter`; elsewhere reading it may throw, not only be undefined.
  try {
    return (Deno as unknown as { jupyter?: JupyterKernel }).jupyter;
  } catch {
    return undefined;
  }
}

/** Whether this code runs in a notebook of the Deno kernel. */
export function inNotebook(): boolean {
  return kernel() !== undefined;
}

/**
 * Shows or updates one display of the running cell.
 *
 * @param data MIME type to content, e.g. `{ "text/html": "<b>…</b>" }`
 * @param id the display that {@link broadcastDisplay} with `first` made and later calls replace
 * @throws {Error} outside of a notebook
 */
export async function broadcastDisplay(
  data: Record<string, unknown>,
  id: string,
  first: boolean,
): Promise<void> {
  const jupyter = kernel();
  if (!jupyter) throw new Error("displays can be updated in a Deno notebook only");
  await jupyter.broadcast(first ? "display_data" : "update_display_data", {
    data,
    metadata: {},
    transient: { display_id: id },
  });
}

/**
 * A figure that is replaced in place while a cell runs; silent outside of a notebook.
 *
 * Await the last call: what is shown after a cell has ended is lost.
 */
export function liveFigure(): (svg: string) => Promise<void> {
  const id = `figure-${crypto.randomUUID()}`;
  let first = true;
  let chain: Promise<void> = Promise.resolve();
  return (svg) => {
    if (!inNotebook()) return chain;
    const isFirst = first;
    first = false;
    chain = chain.then(async () => await broadcastDisplay(await figureData(svg), id, isFirst));
    return chain;
  };
}

function displayable(
  data: Record<string, unknown> | (() => Promise<Record<string, unknown>>),
): Displayable {
  return { [JUPYTER_DISPLAY]: () => typeof data === "function" ? data() : data };
}

/** The image (or mask, white on black) as the output of a cell: `await showImage(patch)`. */
export async function showImage(image: RgbImage | Mask): Promise<Displayable> {
  return showPng(await encodePng(image));
}

/** An encoded PNG as the output of a cell. */
function showPng(png: Uint8Array): Displayable {
  return displayable({ "image/png": base64(png) });
}

/** An encoded JPEG as the output of a cell; the right choice for photographs, a tenth of a PNG. */
export function showJpeg(jpeg: Uint8Array): Displayable {
  return displayable({ "image/jpeg": base64(jpeg) });
}

function fitting(svg: string): string {
  return svg.replace("<svg ", '<svg style="max-width:100%;height:auto" ');
}

/**
 * An SVG figure as the output of a cell, made smaller where the page is narrower than the figure, with
 * a PNG beside it: JupyterLab shows no SVG of a notebook that it does not trust.
 */
export function showSvg(svg: string): Displayable {
  return displayable(() => figureData(svg));
}

async function figureData(svg: string): Promise<Record<string, unknown>> {
  return { "image/svg+xml": fitting(svg), "image/png": base64(await figurePng(svg)) };
}

/**
 * HTML as the output of a cell, with a plain text and, if given, a picture for front ends that show
 * no HTML or do not trust it.
 */
export function showHtml(html: string, plain = "", jpeg?: Uint8Array): Displayable {
  return displayable({
    "text/html": html,
    "text/plain": plain,
    ...(jpeg && { "image/jpeg": base64(jpeg) }),
  });
}

/** A line of text as the output of a cell, without the quotes and colours of a string's value. */
export function showText(text: string): Displayable {
  return displayable({ "text/plain": text });
}

/** Rows of a table: plain objects with the same keys. */
export type TableRows = Record<string, string | number | boolean | null>[];

/** How a table is shown. */
export interface TableOptions {
  /** Decimals of numbers that are not whole; default 3. */
  digits?: number;
  /** Rows shown at most; a last line tells how many more there are; default 12. */
  limit?: number;
}

/** A table as the output of a cell, from plain rows or a polars frame; numbers are right-aligned. */
export function showTable(table: TableRows | DataFrame, options: TableOptions = {}): Displayable {
  const { digits = 3, limit = 12 } = options;
  const all = Array.isArray(table) ? table : table.toRecords() as TableRows;
  const rows = all.slice(0, limit);
  const columns = rows.length > 0 ? Object.keys(rows[0]) : [];
  const text = (value: unknown) =>
    typeof value === "number" && !Number.isInteger(value)
      ? value.toFixed(digits)
      : String(value ?? "–");
  const cell = (value: unknown) => {
    const align = typeof value === "number" ? "right" : "left";
    return `<td style="text-align:${align}">${escapeHtml(text(value))}</td>`;
  };
  const head = columns.map((c) => `<th style="text-align:left">${escapeHtml(c)}</th>`).join("");
  const body = rows.map((row) => `<tr>${columns.map((c) => cell(row[c])).join("")}</tr>`).join(
    "\n",
  );
  const more = all.length > rows.length ? `… and ${all.length - rows.length} more rows` : "";
  const html = `<table><thead><tr>${head}</tr></thead><tbody>\n${body}\n</tbody></table>` +
    (more ? `<p>${more}</p>` : "");
  return showHtml(html, plainTable(columns, rows.map((r) => columns.map((c) => r[c])), text, more));
}

/** The table in columns of the same width, numbers to the right. */
function plainTable(
  columns: readonly string[],
  rows: readonly unknown[][],
  text: (value: unknown) => string,
  more: string,
): string {
  const widths = columns.map((name, c) =>
    Math.max(name.length, ...rows.map((row) => text(row[c]).length))
  );
  const line = (cells: string[], right: (c: number) => boolean) =>
    cells.map((s, c) => right(c) ? s.padStart(widths[c]) : s.padEnd(widths[c])).join("  ")
      .trimEnd();
  const numeric = columns.map((_, c) => rows.some((row) => typeof row[c] === "number"));
  const lines = [
    line([...columns], (c) => numeric[c]),
    ...rows.map((row) => line(row.map(text), (c) => numeric[c])),
    more,
  ];
  return lines.join("\n").trimEnd();
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function base64(bytes: Uint8Array): string {
  let binary = "";
  for (let i = 0; i < bytes.length; i += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  }
  return btoa(binary);
}
