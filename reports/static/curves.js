// The chart: curves with interval bands, anchors as levels; drawn by Chart.js.
"use strict";
codecbench.Curves = class {
  constructor(canvas) {
    this.canvas = canvas;
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.dark.addEventListener("change", () => this.last && this.draw(...this.last));
  }

  /**
   * @param {{system: object, points: {bps: number, mean: number, low: number, high: number, text: string}[]}[]} curves
   * @param {{system: object, points: object[]}[]} levels systems whose bits mean nothing
   * @param {object} metric
   */
  draw(curves, levels, metric) {
    this.last = [curves, levels, metric];
    const ink = this.dark.matches ? "#e6e9ed" : "#1b1f24";
    const grid = this.dark.matches ? "#39414c" : "#dde1e6";
    const datasets = [];
    for (const curve of curves) datasets.push(...this.bands(curve), this.line(curve));
    const rates = curves.flatMap((curve) => curve.points.map((point) => point.bps / 1000));
    const low = rates.length ? Math.min(...rates) / 1.15 : 1;
    const high = rates.length ? Math.max(...rates) * 1.15 : 10;
    for (const level of levels) datasets.push(...level.points.map((point) => this.level(level.system, point, low, high)));
    const axis = { grid: { color: grid }, border: { color: ink }, ticks: { color: ink } };
    const options = {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      interaction: { mode: "nearest", intersect: true },
      plugins: {
        legend: { display: false },
        tooltip: { filter: (item) => !item.dataset.band, callbacks: { title: () => "", label: (item) => item.dataset.texts[item.dataIndex] } },
      },
      scales: {
        x: { ...axis, type: "logarithmic", min: low, max: high, title: { display: true, text: "measured payload (kbit/s)", color: ink }, afterBuildTicks: (scale) => { scale.ticks = this.roundTicks(scale.min, scale.max); }, ticks: { color: ink, autoSkip: true, callback: (value) => `${Number(value.toPrecision(3))}` } },
        y: { ...axis, title: { display: true, text: `${codecbench.unit(metric)} ${metric.higher ? "↑ higher" : "↓ lower"} is better`, color: ink } },
      },
    };
    if (this.chart) {
      this.chart.data = { datasets };
      this.chart.options = options;
      this.chart.update("none");
    } else {
      this.chart = new Chart(this.canvas, { type: "scatter", data: { datasets }, options });
    }
  }

  /** Round rates of a logarithmic axis; the library's own choice may hold none that is. */
  roundTicks(low, high) {
    const ticks = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
      for (const lead of [1, 2, 3, 5, 7]) {
        const value = lead * 10 ** power;
        if (value >= low && value <= high) ticks.push({ value });
      }
    }
    return ticks;
  }

  colour(system) {
    return system.colour === "#000000" && this.dark.matches ? "#e6e9ed" : system.colour;
  }

  bands(curve) {
    const colour = this.colour(curve.system);
    const edge = (name, fill) => ({
      band: true,
      data: curve.points.map((point) => ({ x: point.bps / 1000, y: point[name] })),
      showLine: true,
      borderWidth: 0,
      pointRadius: 0,
      pointHitRadius: 0,
      backgroundColor: `${colour}26`,
      fill,
    });
    return [edge("low", false), edge("high", "-1")];
  }

  line(curve) {
    const { system, points } = curve;
    const colour = this.colour(system);
    const styles = { o: "circle", s: "rect", "^": "triangle", D: "rectRot", v: "triangle", P: "cross", X: "crossRot", "<": "triangle", d: "rectRot" };
    return {
      label: system.label,
      texts: points.map((point) => point.text),
      data: points.map((point) => ({ x: point.bps / 1000, y: point.mean })),
      showLine: true,
      borderColor: colour,
      borderWidth: 2,
      borderDash: { "-": [], "--": [7, 4], "-.": [8, 3, 2, 3], ":": [2, 3] }[system.line] || [],
      pointStyle: styles[system.marker] || "circle",
      pointRotation: { v: 180, "<": 270 }[system.marker] || 0,
      pointRadius: 5,
      pointHoverRadius: 7,
      pointHitRadius: 8,
      pointBorderColor: colour,
      pointBorderWidth: 1.5,
      pointBackgroundColor: system.filled ? colour : "transparent",
      spanGaps: true,
    };
  }

  level(system, point, low, high) {
    return {
      label: system.label,
      texts: [point.text, point.text],
      data: [{ x: low, y: point.mean }, { x: high, y: point.mean }],
      showLine: true,
      borderColor: this.dark.matches ? "#8b94a0" : "#777777",
      borderWidth: 1,
      borderDash: [2, 3],
      pointRadius: 0,
      pointHitRadius: 8,
    };
  }
};
