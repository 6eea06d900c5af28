// What all pages share: the page's data, elements without markup, files that arrive as scripts.
// Text from users only ever becomes text: nothing here or elsewhere writes HTML.
"use strict";
const codecbench = (() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const root = document.querySelector('link[href$="assets/site.css"]').getAttribute("href").replace("assets/site.css", "");
  const cells = new Map();
  const sounds = new Map();
  const waiting = new Map();

  /** Make an element; attributes that are false or null are left out. */
  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value === true ? "" : value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  }

  /** Load a script once; resolves with what it hands over. */
  function load(path, store, key) {
    if (store.has(key)) return Promise.resolve(store.get(key));
    if (!waiting.has(path)) {
      waiting.set(path, new Promise((resolve, reject) => {
        const script = element("script", { src: root + path });
        script.onload = () => { script.remove(); resolve(store.get(key)); };
        script.onerror = () => { script.remove(); waiting.delete(path); reject(new Error(`${path} is not there`)); };
        document.head.append(script);
      }));
    }
    return waiting.get(path);
  }

  /** Bring packed numbers back, a row for each point: see pack() in reports/site/cells.py. */
  async function unpack(text, rows) {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const planes = new Uint8Array(await new Response(stream).arrayBuffer());
    const count = planes.length / 4;
    const view = new DataView(planes.buffer.slice(0));
    for (let n = 0; n < count; n += 1) for (let plane = 0; plane < 4; plane += 1) view.setUint8(4 * n + plane, planes[plane * count + n]);
    const value = (n) => { const found = view.getFloat32(4 * n, true); return Number.isNaN(found) ? null : found; };
    const length = count / rows;
    return Array.from({ length: rows }, (_, row) => Array.from({ length }, (_, n) => value(row * length + n)));
  }

  async function unpackCells(found) {
    for (const of of Object.values(found.cells)) {
      for (const cells of Object.values(of)) cells.values = await unpack(cells.packed, found.points.length);
    }
    return found;
  }

  function fillSelect(select, options, chosen) {
    select.replaceChildren(...options.map(([value, text]) => element("option", { value, selected: String(value) === String(chosen) }, text)));
  }

  /** Write a number as its metric wants it; "" for null. */
  function number(value, decimals) {
    return value === null || value === undefined ? "" : value.toFixed(decimals);
  }

  function kbps(bps) {
    if (bps === null || bps === undefined) return "unknown";
    const value = bps / 1000;
    return value.toFixed(value < 1 ? 3 : value < 100 ? 2 : 1);
  }

  return {
    data,
    element,
    fillSelect,
    number,
    kbps,
    root,
    receiveCells: (system, found) => cells.set(system, unpackCells(found)),
    receiveClips: (found) => cells.set("clips", found),
    receiveSound: (name, text) => sounds.set(name, text),
    loadCells: (system) => load(`cells/${system}.js`, cells, system),
    loadSound: (name) => load(`sounds/${name}.js`, sounds, name),
    unit: (metric) => (metric.unit ? `${metric.name} (${metric.unit})` : metric.name),
  };
})();
