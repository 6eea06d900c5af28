// The leaderboard: filters, order, and the chart of what passes them.
"use strict";
(() => {
  const { data, element, number, kbps } = codecbench;
  const find = (id) => document.getElementById(id);
  const LOSSLESS_BPS = 128000; // from here on a codec is a level, as in the figures
  const curves = new codecbench.Curves(find("chart"));
  const hidden = new Set();
  const metrics = new Map(data.metrics.map((metric) => [metric.name, metric]));

  const state = () => ({
    metric: metrics.get(find("metric").value),
    condition: find("condition").value,
    group: Number(find("group").value),
    rate: find("rate").value === "" ? null : Number(find("rate").value),
    low: limit("low"),
    high: limit("high"),
    parameters: limit("parameters"),
    kind: find("kind").value,
    text: find("text").value.trim().toLowerCase(),
    causal: find("causal").checked,
    anchors: find("anchors").checked,
  });

  function limit(id) {
    const text = find(id).value;
    return text === "" || Number.isNaN(Number(text)) ? null : Number(text);
  }

  function passes(system, bps, now) {
    if (system.kind === "anchor" && !now.anchors) return false;
    if (now.kind && system.kind !== now.kind) return false;
    if (now.causal && !system.causal) return false;
    if (now.text && !system.label.toLowerCase().includes(now.text)) return false;
    if (now.parameters !== null && !(system.parameters !== null && system.parameters / 1e6 <= now.parameters)) return false;
    if (system.kind === "anchor" || now.rate !== null) return true;
    if (now.low !== null && !(bps !== null && bps / 1000 >= now.low)) return false;
    return !(now.high !== null && !(bps !== null && bps / 1000 <= now.high));
  }

  // A row: system, point, bps, means by metric ([mean, low, high, n, failed, reason]), rank.
  function pointRows(now) {
    const of = data.means[now.condition];
    return data.points.map((point, place) => ({
      system: data.systems[point.system],
      point: point.name,
      bps: point.bps[now.condition],
      rank: null,
      means: Object.fromEntries(Object.keys(of).map((name) => [name, of[name][now.group][place]])),
    }));
  }

  function standingRows(now) {
    const of = data.standings[now.condition];
    const at = (name) => (of[name].find(([rate]) => rate === now.rate) || [0, []])[1];
    const rows = at(now.metric.name).map((one) => ({
      system: data.systems[one.system],
      point: one.points.length > 1 ? `between ${one.points.join(" and ")}` : one.points[0] || "",
      bps: now.rate,
      rank: one.rank,
      number: one.system,
      means: { [now.metric.name]: one.mean },
    }));
    for (const metric of data.metrics) {
      for (const one of at(metric.name)) {
        const row = rows.find((each) => each.number === one.system);
        if (row) row.means[metric.name] = one.mean;
      }
    }
    return rows;
  }

  function columns(now) {
    const heads = [{ key: "codec", text: "Codec" }, { key: "point", text: "Point" }];
    heads.push({ key: "bps", text: "kbit/s", numeric: true, first: "ascending" });
    if (now.rate !== null) heads.push({ key: "rank", text: "Rank", numeric: true, first: "ascending" });
    const ordered = [now.metric, ...data.metrics.filter((metric) => metric !== now.metric)];
    for (const metric of ordered) {
      heads.push({ key: `m:${metric.name}`, text: `${metric.name} ${metric.higher ? "↑" : "↓"}`, numeric: true, first: metric.higher ? "descending" : "ascending", metric });
    }
    heads.splice(heads.findIndex((head) => head.metric === now.metric) + 1, 0, { key: "n", text: "n", numeric: true }, { key: "failed", text: "failed", numeric: true });
    heads.push({ key: "parameters", text: "parameters (M)", numeric: true, first: "ascending" }, { key: "causal", text: "causal" });
    return heads;
  }

  function value(row, key) {
    const chosen = row.means[find("metric").value];
    if (key.startsWith("m:")) return (row.means[key.slice(2)] || [null])[0];
    if (key === "codec") return row.system.label;
    if (key === "rank") return row.rank ? row.rank[0] + row.rank[1] / 1000 : null;
    if (key === "n") return chosen ? chosen[3] : null;
    if (key === "failed") return chosen ? chosen[4] : null;
    if (key === "parameters") return row.system.parameters;
    if (key === "causal") return row.system.causal ? "yes" : "no";
    return row[key];
  }

  function cell(row, column) {
    const { system } = row;
    if (column.metric) return mean(row.means[column.metric.name], column.metric);
    if (column.key === "codec") return name(system);
    if (column.key === "point") return row.point;
    if (column.key === "bps") return system.kind === "anchor" ? "anchor" : kbps(row.bps);
    if (column.key === "rank") return rank(row);
    if (column.key === "parameters") return system.parameters === null ? "" : (system.parameters / 1e6).toFixed(2);
    const found = value(row, column.key);
    return column.key === "failed" && found ? element("span", { class: "flag" }, String(found)) : String(found ?? "");
  }

  function mean(found, metric) {
    if (!found) return "";
    const [middle, low, high, , , reason] = found;
    if (middle === null) return element("span", { class: "reason" }, reason || "no value");
    const parts = [element("span", {}, number(middle, metric.decimals))];
    if (low !== null) parts.push(element("small", {}, `${number(low, metric.decimals)} to ${number(high, metric.decimals)}`));
    return parts;
  }

  function rank(row) {
    if (!row.rank) return "";
    const [best, worst, groups] = row.rank;
    return [element("span", {}, best === worst ? `${best}` : `${best} to ${worst}`), element("small", { title: "Systems that share a letter do not differ surely" }, groups)];
  }

  function name(system) {
    const parts = [glyph(system), element("a", { href: system.page }, system.label)];
    if (!system.trained) parts.push(" ", element("span", { class: "badge" }, "untrained"));
    return parts;
  }

  function glyph(system) {
    const filled = { o: "●", s: "■", "^": "▲", D: "◆", v: "▼", P: "✚", X: "✖", "<": "◀", d: "⋯" };
    const hollow = { o: "○", s: "□", "^": "△", D: "◇", v: "▽", P: "✛", X: "✕", "<": "◁" };
    const text = (system.filled ? filled : hollow)[system.marker] || "●";
    const made = element("span", { class: "glyph", "aria-hidden": "true" }, text);
    made.style.color = system.colour === "#000000" ? "var(--ink)" : system.colour;
    return made;
  }

  /** The legend: a box for each system that is shown; without its tick the curve is left out. */
  function drawLegend(systems) {
    find("legend").replaceChildren(element("legend", {}, "Curves"), ...systems.map((system) => {
      const box = element("input", { type: "checkbox", checked: !hidden.has(system) });
      box.addEventListener("change", () => {
        if (box.checked) hidden.delete(system);
        else hidden.add(system);
        drawChart(state());
      });
      return element("label", {}, box, glyph(system), system.label);
    }));
  }

  let table = null;
  let shown = [];

  function update({ keepOrder = true } = {}) {
    const now = state();
    find("group").disabled = now.rate !== null;
    for (const id of ["low", "high"]) find(id).disabled = now.rate !== null;
    const rows = (now.rate === null ? pointRows(now) : standingRows(now)).filter((row) => passes(row.system, row.bps, now));
    const key = keepOrder && table ? table.key : null;
    const order = table ? table.order : "ascending";
    table = table || new codecbench.Table(find("table"), columns(now), cell, value);
    table.setColumns(columns(now));
    table.key = columns(now).some((column) => column.key === key) ? key : `m:${now.metric.name}`;
    table.order = key === table.key ? order : now.metric.higher ? "descending" : "ascending";
    table.show(rows);
    shown = rows;
    const systems = data.systems.filter((system) => rows.some((row) => row.system === system));
    find("status").textContent = `${rows.length} ${now.rate === null ? `points of ${systems.length} systems` : "systems"} pass the filters.`;
    drawLegend(systems);
    drawChart(now);
  }

  function drawChart(now) {
    const visible = now.rate === null ? shown : pointRows({ ...now, group: 0 }).filter((row) => passes(row.system, row.bps, now));
    const grouped = new Map();
    for (const row of visible) {
      const found = row.means[now.metric.name];
      if (hidden.has(row.system) || !found || found[0] === null) continue;
      const [middle, low, high, n] = found;
      const interval = low === null ? "" : `, ${number(low, now.metric.decimals)} to ${number(high, now.metric.decimals)}`;
      const at = row.system.kind === "anchor" ? "" : ` at ${kbps(row.bps)} kbit/s`;
      const text = `${row.system.label} ${row.point}: ${number(middle, now.metric.decimals)}${interval}${at}, n = ${n}`;
      if (!grouped.has(row.system)) grouped.set(row.system, []);
      grouped.get(row.system).push({ bps: row.bps, mean: middle, low: low ?? middle, high: high ?? middle, text });
    }
    const all = [...grouped].map(([system, points]) => ({ system, points: [...points].sort((a, b) => a.bps - b.bps) }));
    const isLevel = (one) => one.system.kind === "anchor" || one.points.every((point) => point.bps === null || point.bps >= LOSSLESS_BPS);
    const drawn = all.filter((one) => !isLevel(one));
    curves.draw(drawn, all.filter(isLevel), now.metric);
    const words = drawn.map((one) => `${one.system.label} from ${number(one.points[0].mean, now.metric.decimals)} to ${number(one.points.at(-1).mean, now.metric.decimals)}`);
    find("chart").setAttribute("aria-label", `${now.metric.name} against measured rate: ${words.join("; ")}. The table below has all numbers.`);
    find("chart-note").textContent = `${now.metric.name} on ${data.groups[now.rate === null ? now.group : 0]}. Bands: 95 % intervals. Dotted levels: anchors, whose bits mean nothing, and codecs near the rate of PCM.`;
  }

  function fillRates() {
    const rates = new Set();
    for (const found of Object.values(data.standings[find("condition").value] || {})) for (const [rate] of found) rates.add(rate);
    const options = [...rates].sort((a, b) => a - b).map((rate) => [rate, `${kbps(rate)} kbit/s, all systems`]);
    codecbench.fillSelect(find("rate"), [["", "every point as it is"], ...options], find("rate").value);
  }

  function fill() {
    codecbench.fillSelect(find("metric"), data.metrics.map((metric) => [metric.name, metric.name]), data.metrics[0]?.name);
    codecbench.fillSelect(find("group"), data.groups.map((group, place) => [place, group]), 0);
    codecbench.fillSelect(find("condition"), data.conditions.map((name) => [name, name]), data.conditions[0]);
    find("condition-label").hidden = data.conditions.length < 2;
    const kinds = [...new Set(data.systems.map((system) => system.kind))];
    codecbench.fillSelect(find("kind"), [["", "every kind"], ...kinds.map((kind) => [kind, kind])], "");
    fillRates();
  }

  if (!data.metrics.length || !data.conditions.length) return;
  fill();
  find("filters").addEventListener("input", (event) => {
    if (event.target.id === "condition") fillRates();
    update({ keepOrder: !["metric", "rate"].includes(event.target.id) });
  });
  find("filters").addEventListener("submit", (event) => event.preventDefault());
  find("filters").addEventListener("reset", (event) => {
    event.preventDefault();
    for (const input of find("filters").querySelectorAll("input")) {
      if (input.type === "checkbox") input.checked = input.id === "anchors";
      else input.value = "";
    }
    hidden.clear();
    fill();
    update({ keepOrder: false });
  });
  update({ keepOrder: false });
})();
