// @ts-check
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** The part of the explorable figure that runs in the browser: no imports, no network. */

/**
 * @typedef {{ image: number, split: string, row: number, column: number, crypt: boolean,
 *   cryptShare: number, donor: string | null, dice: number | null }} Tile
 * @typedef {{ name: string, values: (number | null)[], groups?: { label: string, colour: string }[] }} Mode
 * @typedef {{ tiles: Tile[], tile: number, modes: Mode[],
 *   views: { title: string, note: string, xy: number[] }[],
 *   sheet: string, columns: number, size: number,
 *   slides: { id: string, height: number, width: number, picture: string }[] }} Data
 */

/**
 * Fills `host` with the linked views of `data`.
 *
 * `host.dataset.hovered` and `.selected` always tell the hovered tile and the number of selected ones.
 *
 * @param {HTMLElement} host
 * @param {Data} data
 * @param {string} css
 */
// deno-lint-ignore no-unused-vars
function explore(host, data, css) {
  const { tiles, modes, views } = data;
  const classes = /** @type {Mode} */ (modes.find((mode) => mode.name === "class"));
  const [none, crypt] = /** @type {{ label: string }[]} */ (classes.groups);
  const className = (/** @type {number} */ i) => (tiles[i].crypt ? crypt : none).label;
  const shadow = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  shadow.innerHTML = `<style>${css}</style><div class="figure"><div class="controls">
    <label>Colour <select name="colour"></select></label>
    <label>Tiles <select name="split"><option>all</option><option>train</option><option>test</option></select></label>
    <button type="button">Clear selection</button></div><div class="legend"></div>
    <div class="status" aria-live="polite"></div><div class="body"><div class="views"></div><div><div class="detail"></div></div></div>
    <div class="strip"></div></div>`;
  /** @template {Element} T @param {string} query @returns {T} */
  const get = (query) => /** @type {T} */ (shadow.querySelector(query));
  /** @type {HTMLSelectElement} */
  const colourSelect = get("[name=colour]");
  /** @type {HTMLSelectElement} */
  const splitSelect = get("[name=split]");
  /** @type {HTMLElement} */
  const detail = get(".detail");
  colourSelect.append(...modes.map((m) => new Option(m.name)));

  /** @type {Set<number>} */
  let selected = new Set();
  let hovered = -1;
  /** @type {{ view: number, path: number[][] } | null} */
  let lasso = null;

  const ramp = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
  /** viridis, a sequential scale that colour-blind readers can follow. @param {number} share */
  const shade = (share) => {
    const at = Math.min(0.9999, Math.max(0, share)) * 4, i = Math.floor(at);
    return `rgb(${ramp[i].map((v, c) => Math.round(v + (ramp[i + 1][c] - v) * (at - i)))})`;
  };
  const mode = () => modes[colourSelect.selectedIndex];
  /** @param {number} i */
  const colourOf = (i) => {
    const { groups, values } = mode(), value = values[i];
    if (value === null) return "#aaa";
    return groups ? groups[value].colour : shade(value);
  };
  /** @param {number} i */
  const isShown = (i) => splitSelect.value === "all" || tiles[i].split === splitSelect.value;

  const canvases = views.map(({ title, note }, v) => {
    const box = document.createElement("div");
    box.className = "view";
    box.innerHTML = "<h3></h3><p></p>";
    box.children[0].textContent = title;
    box.children[1].textContent = note;
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 640;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${title} of ${tiles.length} tiles`);
    box.append(canvas);
    get(".views").append(box);
    listen(canvas, v);
    return canvas;
  });

  /** Canvas pixels of a tile in a view, with a margin of 24. @param {number} v @param {number} i */
  function place(v, i) {
    const { xy } = views[v];
    return [24 + 592 * xy[2 * i], 616 - 592 * xy[2 * i + 1]];
  }

  /** @param {number} v */
  function draw(v) {
    const context = /** @type {CanvasRenderingContext2D} */ (canvases[v].getContext("2d"));
    context.clearRect(0, 0, 640, 640);
    const order = [...tiles.keys()].filter(isShown)
      .sort((a, b) => Number(selected.has(a)) - Number(selected.has(b)));
    for (const i of order) {
      const [x, y] = place(v, i);
      context.globalAlpha = selected.size === 0 ? 0.8 : selected.has(i) ? 1 : 0.15;
      context.fillStyle = colourOf(i);
      context.beginPath();
      context.arc(x, y, 7, 0, 7);
      context.fill();
    }
    context.globalAlpha = 1;
    if (hovered >= 0 && isShown(hovered)) {
      const [x, y] = place(v, hovered);
      context.fillStyle = colourOf(hovered);
      context.beginPath();
      context.arc(x, y, 7, 0, 7);
      context.fill();
      context.lineWidth = 4;
      context.beginPath();
      context.arc(x, y, 13, 0, 7);
      context.stroke();
    }
    if (lasso?.view === v) {
      context.lineWidth = 2;
      context.beginPath();
      for (const [x, y] of lasso.path) context.lineTo(x, y);
      context.closePath();
      context.fillStyle = "rgba(0, 114, 178, 0.12)";
      context.fill();
      context.stroke();
    }
  }

  function drawAll() {
    views.forEach((_, v) => draw(v));
    host.dataset.hovered = String(hovered);
    host.dataset.selected = String(selected.size);
  }

  function drawLegend() {
    const { groups, values } = mode(), legend = get(".legend");
    legend.replaceChildren();
    /** @param {string} label @param {string} colour */
    const entry = (label, colour) => {
      const item = document.createElement("span"), mark = document.createElement("i");
      mark.style.background = colour;
      item.append(mark, label);
      legend.append(item);
    };
    if (groups) { for (const { label, colour } of groups) entry(label, colour); }
    else {
      const bar = document.createElement("b");
      bar.style.background = `linear-gradient(90deg, ${[0, 1, 2, 3, 4].map((k) => shade(k / 4))})`;
      legend.append("0", bar, "1");
    }
    if (values.includes(null)) entry("unknown", "#aaa");
  }

  /** A thumbnail, cut from the sheet. @param {HTMLElement} box @param {number} i @param {number} side */
  function showTile(box, i, side) {
    const factor = side / data.size, row = Math.floor(i / data.columns), column = i % data.columns;
    box.className = "tile";
    box.style.width = box.style.height = `${side}px`;
    box.style.backgroundImage = `url(${data.sheet})`;
    box.style.backgroundSize = `${data.columns * data.size * factor}px auto`;
    box.style.backgroundPosition = `${-column * side}px ${-row * side}px`;
    return box;
  }

  function describe() {
    detail.replaceChildren();
    if (hovered < 0) {
      detail.innerHTML = `<p class="hint">Point at a tile to see it and its place on the slide.
        Draw around tiles to select them in every view; hold Shift to add, Esc to clear.</p>`;
      return;
    }
    const t = tiles[hovered], slide = data.slides[t.image];
    const facts = document.createElement("dl");
    /** @type {[string, string | null][]} */
    const lines = [
      ["image", slide.id],
      ["position", `row ${t.row}, column ${t.column}`],
      ["split", t.split],
      ["class", className(hovered)],
      ["crypt share", t.cryptShare.toFixed(3)],
      ["Dice", t.dice === null ? null : t.dice.toFixed(3)],
      ["donor", t.donor],
    ];
    for (const [name, value] of lines) {
      if (value === null) continue;
      const term = document.createElement("dt"), text = document.createElement("dd");
      term.textContent = name;
      text.textContent = value;
      facts.append(term, text);
    }
    const map = document.createElement("div"), frame = document.createElement("div");
    const whole = document.createElement("img");
    map.className = "slide";
    whole.src = slide.picture;
    whole.alt = slide.id;
    const percent = (/** @type {number} */ v, /** @type {number} */ of) => `${100 * v / of}%`;
    frame.style.left = percent(t.column, slide.width);
    frame.style.top = percent(t.row, slide.height);
    frame.style.width = percent(Math.min(data.tile, slide.width - t.column), slide.width);
    frame.style.height = percent(Math.min(data.tile, slide.height - t.row), slide.height);
    map.append(whole, frame);
    detail.append(showTile(document.createElement("div"), hovered, 192), facts, map);
  }

  function summarize() {
    const list = [...selected].filter(isShown), strip = get(".strip");
    /** @param {(t: Tile) => number | null} pick */
    const mean = (pick) => {
      const values = list.map((i) => pick(tiles[i])).filter((v) => v !== null);
      return values.length ? (values.reduce((s, v) => s + v, 0) / values.length).toFixed(3) : null;
    };
    const dice = mean((t) => t.dice);
    get(".status").textContent = list.length === 0 ? "" : [
      `${list.length} of ${tiles.length} tiles selected`,
      `${list.filter((i) => tiles[i].crypt).length} of class ${crypt.label}`,
      `mean crypt share ${mean((t) => t.cryptShare)}`,
      ...(dice === null ? [] : [`mean Dice ${dice}`]),
      `${list.filter((i) => tiles[i].split === "test").length} of the test split`,
    ].join(" · ");
    strip.replaceChildren(
      ...list.slice(0, 60).map((i) => {
        const button = showTile(document.createElement("button"), i, 48);
        button.setAttribute("aria-label", `tile ${i}`);
        button.onpointerenter = button.onfocus = () => hover(i);
        return button;
      }),
    );
  }

  /** @param {number} i */
  function hover(i) {
    if (i === hovered) return;
    hovered = i;
    describe();
    drawAll();
  }

  /** @param {Iterable<number>} some @param {boolean} add */
  function select(some, add) {
    selected = new Set([...(add ? selected : []), ...some]);
    summarize();
    drawAll();
  }

  /** @param {number[][]} path @param {number[]} point */
  function encloses(path, [x, y]) {
    let inside = false;
    path.forEach(([ax, ay], k) => {
      const [bx, by] = path[(k + 1) % path.length];
      if ((ay > y) !== (by > y) && x < ax + (bx - ax) * (y - ay) / (by - ay)) inside = !inside;
    });
    return inside;
  }

  /** @param {HTMLCanvasElement} canvas @param {number} v */
  function listen(canvas, v) {
    /** @param {PointerEvent} event */
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      return [
        (event.clientX - box.left) * 640 / box.width,
        (event.clientY - box.top) * 640 / box.height,
      ];
    };
    /** @param {number[]} point */
    const nearest = ([x, y]) => {
      let best = -1, least = 20;
      for (const i of tiles.keys()) {
        const [px, py] = place(v, i), d = Math.hypot(px - x, py - y);
        if (d < least && isShown(i)) [best, least] = [i, d];
      }
      return best;
    };
    canvas.onpointerdown = (event) => {
      canvas.setPointerCapture(event.pointerId);
      lasso = { view: v, path: [at(event)] };
    };
    canvas.onpointermove = (event) => {
      if (!lasso) return hover(nearest(at(event)));
      lasso.path.push(at(event));
      draw(v);
    };
    canvas.onpointerup = (event) => {
      if (!lasso) return;
      const { path } = lasso, [x, y] = path[0];
      lasso = null;
      const far = path.some(([px, py]) => Math.hypot(px - x, py - y) > 12);
      if (far) {
        const inside = (/** @type {number} */ i) => isShown(i) && encloses(path, place(v, i));
        select([...tiles.keys()].filter(inside), event.shiftKey);
      } else {
        const i = nearest([x, y]);
        select(i < 0 ? [] : [i], event.shiftKey);
      }
    };
    canvas.onpointerleave = () => lasso || hover(-1);
    canvas.onpointercancel = () => {
      lasso = null;
      draw(v);
    };
  }

  colourSelect.onchange = () => {
    drawLegend();
    drawAll();
  };
  splitSelect.onchange = () => {
    summarize();
    drawAll();
  };
  /** @type {HTMLButtonElement} */ (get("button")).onclick = () => select([], false);
  host.tabIndex = 0;
  host.onkeydown = (event) => event.key === "Escape" && select([], false);
  drawLegend();
  describe();
  drawAll();
}
