// The clips of one codec.
"use strict";
(async () => {
  const { data, element, number } = codecbench;
  const find = (id) => document.getElementById(id);
  const packed = new Set(data.sounds);
  const files = [codecbench.loadCells(data.system), codecbench.loadCells("clips")];
  const [found, clips] = await Promise.all(files).catch((error) => {
    find("status").textContent = error.message;
    return [];
  });
  if (!found || !found.points.length) {
    find("filters").hidden = true;
    find("status").textContent = "No clip was coded.";
    return;
  }
  const tags = [...new Set(clips.flatMap((clip) => Object.keys(clip.tags)))];

  codecbench.fillSelect(find("point"), found.points.map((name, place) => [place, name || "the only one"]), found.points.length - 1);
  codecbench.fillSelect(find("condition"), data.conditions.map((name) => [name, name]), data.conditions[0]);
  find("condition-label").hidden = data.conditions.length < 2;

  const columns = [
    { key: "id", text: "Clip" },
    ...data.metrics.map((metric) => ({ key: `m:${metric.name}`, text: `${metric.name} ${metric.higher ? "↑" : "↓"}`, numeric: true, first: metric.higher ? "ascending" : "descending", metric })),
    { key: "seconds", text: "s", numeric: true },
    ...tags.map((tag) => ({ key: `t:${tag}`, text: tag })),
  ];
  const cells = (metric) => found.cells[find("condition").value]?.[metric.name];
  const value = (row, key) => {
    if (key.startsWith("m:")) return cells({ name: key.slice(2) })?.values[find("point").value][row.place] ?? null;
    if (key.startsWith("t:")) return row.clip.tags[key.slice(2)] || "";
    return row.clip[key];
  };
  const cell = (row, column) => {
    if (column.key === "id") {
      const target = `../clip.html#${new URLSearchParams({ clip: row.place, system: data.system, point: find("point").value, condition: find("condition").value })}`;
      return [element("a", { href: target }, row.clip.id), packed.has(row.clip.id) ? element("span", { title: "sound is packed" }, " ♪") : ""];
    }
    if (!column.metric) return String(value(row, column.key) ?? "");
    const score = value(row, column.key);
    if (score !== null) return number(score, column.metric.decimals);
    return element("span", { class: "reason" }, cells(column.metric)?.lost[`${find("point").value},${row.place}`] || "not run");
  };
  const table = new codecbench.Table(find("table"), columns, cell, value);
  const first = data.metrics[0];

  function update() {
    const wanted = find("text").value.trim().toLowerCase();
    const rows = clips
      .map((clip, place) => ({ clip, place }))
      .filter(({ clip }) => !wanted || [clip.id, ...Object.values(clip.tags)].some((text) => text.toLowerCase().includes(wanted)));
    if (table.key === null) [table.key, table.order] = [`m:${first.name}`, first.higher ? "ascending" : "descending"];
    table.show(rows);
    find("status").textContent = `${rows.length} of ${clips.length} clips, worst ${first.name} first until another heading is pressed.`;
  }
  find("filters").addEventListener("input", update);
  find("filters").addEventListener("submit", (event) => event.preventDefault());
  update();
})();
