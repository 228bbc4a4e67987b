/** The one style of all figures: colours, font, and how panels are put together into one SVG. */
import { parseHTML } from "linkedom";

/** Okabe and Ito's colours, which colour-blind readers can tell apart; yellow last, for its contrast. */
export const COLOURS = [
  "#0072B2",
  "#D55E00",
  "#009E73",
  "#CC79A7",
  "#E69F00",
  "#56B4E9",
  "#000000",
  "#F0E442",
] as const;

/** Fonts by falling preference; DejaVu Sans is what a bare Debian renders with. */
export const FONT = "Helvetica, Arial, 'DejaVu Sans', sans-serif";

/** Symbols that go with {@link COLOURS}, so that a grey print can be read too. */
export const SYMBOLS = ["circle", "triangle", "square", "diamond"] as const;

/** How the points of one group look. */
export interface GroupStyle {
  label: string;
  colour: string;
  symbol: (typeof SYMBOLS)[number];
}

/** Groups that many figures show keep one look in all of them. */
const KNOWN_GROUPS: Record<string, Omit<GroupStyle, "label">> = {
  train: { colour: "#0072B2", symbol: "circle" },
  test: { colour: "#E69F00", symbol: "triangle" },
  "no crypt": { colour: "#009E73", symbol: "circle" },
  background: { colour: "#009E73", symbol: "circle" },
  crypt: { colour: "#D55E00", symbol: "triangle" },
};

/** Classes by a least share of crypt (`cryptClasses`) look like those by any crypt. */
function sharedClass(label: string) {
  return /^under [\d.]+% crypt$/.test(label)
    ? KNOWN_GROUPS["no crypt"]
    : /^[\d.]+% crypt or more$/.test(label)
    ? KNOWN_GROUPS.crypt
    : undefined;
}

/** The looks of groups: fixed for train, test, crypt and no crypt, else by their order. */
export function groupStyles(labels: readonly string[]): GroupStyle[] {
  return labels.map((label, i) => ({
    label,
    ...(KNOWN_GROUPS[label] ?? sharedClass(label) ??
      { colour: COLOURS[i % COLOURS.length], symbol: SYMBOLS[i % SYMBOLS.length] }),
  }));
}

/** A linkedom document for Observable Plot's `document` option. */
export function plotDocument(): Document {
  return parseHTML("<!doctype html><html><body></body></html>").document as unknown as Document;
}

/** `text` safe inside SVG text and attributes. */
export function escapeXml(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;")
    .replace(/"/g, "&quot;");
}

/** One entry of a legend. */
export interface LegendEntry {
  label: string;
  colour: string;
  mark: GroupStyle["symbol"] | "line" | "dashed" | "box";
}

/** A piece of a figure: SVG text, its size and where it goes. */
export interface Panel {
  svg: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

/**
 * Makes Plot's element a nested `<svg>` at a place, with plain attributes instead of its `<style>`
 * element (which is HTML's business and which librsvg does not follow).
 */
export function nest(element: { outerHTML: string }, x: number, y: number): string {
  return element.outerHTML
    .replace(/<style>[\s\S]*?<\/style>/g, "")
    .replace(/ aria-[a-z]+="[^"]*"/g, "")
    .replace(/&nbsp;/g, "\u00a0")
    // A hundredth of a pixel is enough; more digits only differ between machines.
    .replace(
      /="[^"]*"/g,
      (value) => value.replace(/-?\d+\.\d{3,}/g, (v) => String(+Number(v).toFixed(2))),
    )
    .replace(/^<svg[^>]*?viewBox="([^"]*)"[^>]*>/, (_all, box: string) => {
      const [, , width, height] = box.split(/[ ,]+/);
      return `<svg x="${x}" y="${y}" width="${width}" height="${height}" viewBox="${box}" ` +
        `fill="currentColor" font-family="${FONT}" font-size="14" text-anchor="middle">`;
    });
}

/** A row of legend entries from (x, y), wrapped at `width`; `height` is what it needs. */
export function drawLegend(entries: LegendEntry[], x: number, y: number, width: number) {
  let left = 0, top = 0, svg = "";
  for (const { label, colour, mark } of entries) {
    const wide = 40 + label.length * 8.2;
    if (left > 0 && left + wide > width) [left, top] = [0, top + 24];
    const [cx, cy] = [x + left + 12, y + top + 12];
    const shape = {
      circle: `<circle cx="${cx}" cy="${cy}" r="5" fill="${colour}"/>`,
      triangle: `<path d="M${cx},${cy - 6}l6,11h-12z" fill="${colour}"/>`,
      square: `<rect x="${cx - 5}" y="${cy - 5}" width="10" height="10" fill="${colour}"/>`,
      diamond: `<path d="M${cx},${cy - 7}l5,7l-5,7l-5,-7z" fill="${colour}"/>`,
      box: `<rect x="${cx - 7}" y="${cy - 6}" width="14" height="12" fill="${colour}"/>`,
      line: `<path d="M${cx - 11},${cy}h22" stroke="${colour}" stroke-width="2.5"/>`,
      dashed: `<path d="M${
        cx - 11
      },${cy}h22" stroke="${colour}" stroke-width="2.5" stroke-dasharray="6 4"/>`,
    }[mark];
    svg += `${shape}<text x="${cx + 16}" y="${cy + 5}" font-size="14">${escapeXml(label)}</text>`;
    left += wide;
  }
  return { svg, height: entries.length ? top + 30 : 0 };
}

/** Title, subtitle, legend and panels as one complete SVG on white. `y` of a panel counts below the head. */
export function compose(
  options: {
    title: string;
    subtitle?: string;
    legend?: LegendEntry[];
    panels: Panel[];
    width: number;
  },
): string {
  const { title, subtitle, panels, width } = options;
  let head = 40;
  let text = `<text x="16" y="28" font-size="19" font-weight="bold">${escapeXml(title)}</text>`;
  if (subtitle) {
    text += `<text x="16" y="50" font-size="14" fill="#444">${escapeXml(subtitle)}</text>`;
    head = 60;
  }
  const legend = drawLegend(options.legend ?? [], 10, head, width - 20);
  head += legend.height + 4;
  const height = head + Math.max(...panels.map((p) => p.y + p.height));
  const body = panels.map((p) => `<g transform="translate(${p.x},${p.y + head})">${p.svg}</g>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `viewBox="0 0 ${width} ${height}" font-family="${FONT}" fill="#000" color="#000">` +
    `<rect width="${width}" height="${height}" fill="#fff"/>${text}${legend.svg}${
      body.join("")
    }</svg>`;
}
