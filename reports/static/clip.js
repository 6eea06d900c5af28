// One clip: its scores, and its sounds side by side.
"use strict";
(() => {
  const { data, element, number } = codecbench;
  const find = (id) => document.getElementById(id);
  const REFERENCE = "reference";
  const abx = new codecbench.Abx();
  let mixer = null;
  let loaded = {};
  let turn = 0;

  const wanted = () => new URLSearchParams(location.hash.slice(1));
  const place = () => {
    const asked = Number(wanted().get("clip"));
    if (wanted().has("clip") && data.clips[asked]) return asked;
    return Math.max(0, data.clips.findIndex((clip) => clip.id in data.sounds));
  };
  const condition = () => find("condition").value;

  // Scores.
  const columns = [
    { key: "codec", text: "Codec" },
    { key: "point", text: "Point" },
    ...data.metrics.map((metric) => ({ key: `m:${metric.name}`, text: `${metric.name} ${metric.higher ? "↑" : "↓"}`, numeric: true, first: metric.higher ? "descending" : "ascending", metric })),
  ];
  const value = (row, key) => (key === "codec" ? row.system.label : key === "point" ? row.point : row.scores[key.slice(2)]?.[0] ?? null);
  const cell = (row, column) => {
    if (column.key === "codec") {
      const badge = row.system.trained ? "" : element("span", { class: "badge" }, "untrained");
      return [element("a", { href: row.system.page }, row.system.label), " ", badge];
    }
    if (column.key === "point") return row.point;
    const [score, reason] = row.scores[column.metric.name] || [null, "not run"];
    return score === null ? element("span", { class: "reason" }, reason) : number(score, column.metric.decimals);
  };
  const table = new codecbench.Table(find("table"), columns, cell, value);

  async function showScores() {
    const clip = place();
    const found = await Promise.all(data.systems.map((_, system) => codecbench.loadCells(system).catch(() => null)));
    if (clip !== place()) return;
    const rows = [];
    found.forEach((one, system) => (one ? one.points : []).forEach((point, at) => {
      const of = one.cells[condition()] || {};
      const scores = Object.fromEntries(Object.entries(of).map(([name, cells]) => [name, [cells.values[at][clip], cells.lost[`${at},${clip}`] || "not run"]]));
      rows.push({ system: data.systems[system], point, scores });
    }));
    table.show(rows);
    const lost = rows.filter((row) => Object.values(row.scores).some(([score]) => score === null)).length;
    find("status").textContent = `${rows.length} points; ${lost ? `${lost} lack a value, with the reason in its place` : "all have values"}.`;
  }

  // Sounds.
  function tracks() {
    const sounds = data.sounds[data.clips[place()].id];
    if (!sounds) return null;
    const reference = sounds.references[condition()];
    const options = reference ? [[REFERENCE, "reference", reference]] : [];
    for (const [key, name] of Object.entries(sounds.tracks)) {
      const [system, point, ...rest] = key.split(",");
      if (rest.join(",") === condition()) options.push([`${system},${point}`, { system: Number(system), point: Number(point) }, name]);
    }
    options.sort(([, a], [, b]) => (a.system ?? -1) - (b.system ?? -1) || (a.point ?? 0) - (b.point ?? 0));
    return options;
  }

  async function label(track) {
    if (typeof track === "string") return track;
    const cells = await codecbench.loadCells(track.system).catch(() => null);
    return `${data.systems[track.system].label} ${cells ? cells.points[track.point] : track.point}`;
  }

  async function showSounds() {
    turn += 1;
    const mine = turn;
    if (mixer) pause();
    const found = tracks();
    find("controls").hidden = !found || !found.length;
    if (!found || !found.length) {
      const why = Object.entries(data.missing_sounds).map(([reason, count]) => `${reason} (${count})`);
      const packed = Object.keys(data.sounds).length;
      find("sound-status").textContent = `The sound of this clip is not packed with this site; that of ${packed} clips is. ${why.join("; ")}`;
      return;
    }
    const texts = await Promise.all(found.map(([, track]) => label(track)));
    if (mine !== turn) return;
    const options = found.map(([key], at) => [key, texts[at]]);
    const asked = `${wanted().get("system")},${wanted().get("point")}`;
    const other = options.find(([key]) => key === asked) || options.find(([key]) => key !== REFERENCE) || options[0];
    codecbench.fillSelect(find("a"), options, options[0][0]);
    codecbench.fillSelect(find("b"), options, other[0]);
    find("sound-status").textContent = `${options.length} sounds of this clip.`;
    abx.restart();
    find("score").textContent = "";
    loaded = {};
    await Promise.all([loadTrack("a"), loadTrack("b")]);
  }

  async function loadTrack(key) {
    const mine = turn;
    const chosen = tracks().find(([name]) => name === find(key).value);
    const text = find(key).selectedOptions[0].textContent;
    try {
      const buffer = await codecbench.decodeSound(chosen[2]);
      if (mine !== turn || find(key).value !== chosen[0]) return;
      loaded[key] = buffer;
      if (mixer) setTracks();
      find(`caption-${key}`).textContent = `${key.toUpperCase()}: ${text}`;
      find(`spectrogram-${key}`).setAttribute("aria-label", `Spectrogram of ${text}, ${buffer.duration.toFixed(2)} seconds`);
      codecbench.drawSpectrogram(find(`spectrogram-${key}`), buffer);
    } catch (error) {
      find("sound-status").textContent = `${text}: ${error.message}`;
    }
  }

  const heard = () => document.querySelector("input[name=track]:checked").value;

  function setTracks() {
    for (const key of ["a", "b"]) if (loaded[key]) mixer.setTrack(key, loaded[key]);
    mixer.hear(heard() === "x" ? abx.x : heard());
  }

  function play() {
    if (!loaded.a || !loaded.b) return;
    if (!mixer || mixer.context.sampleRate !== loaded.a.sampleRate) {
      mixer = new codecbench.Mixer(new AudioContext({ sampleRate: loaded.a.sampleRate, latencyHint: "interactive" }));
    }
    mixer.context.resume();
    mixer.loop = find("loop").checked;
    mixer.stop();
    setTracks();
    mixer.start((find("position").value / 1000) * mixer.duration);
    mixer.hear(mixer.heard);
    find("play").textContent = "Pause";
    requestAnimationFrame(tick);
  }

  function pause() {
    mixer.stop();
    find("play").textContent = "Play";
  }

  function tick() {
    if (!mixer || mixer.position === null) return;
    const { position, duration } = mixer;
    if (!dragging) find("position").value = Math.round((1000 * position) / duration);
    find("time").textContent = `${position.toFixed(2)} s of ${duration.toFixed(2)} s`;
    if (!mixer.loop && position >= duration) {
      pause();
      find("position").value = 0;
      return;
    }
    requestAnimationFrame(tick);
  }

  let dragging = false;
  find("position").addEventListener("input", () => { dragging = true; });
  find("position").addEventListener("change", () => {
    dragging = false;
    if (mixer && mixer.position !== null) play();
  });
  find("loop").addEventListener("change", () => { if (mixer && mixer.position !== null) play(); });
  find("play").addEventListener("click", () => (mixer && mixer.position !== null ? pause() : play()));
  for (const input of document.querySelectorAll("input[name=track]")) {
    input.addEventListener("change", () => { if (mixer) mixer.hear(heard() === "x" ? abx.x : heard()); });
  }
  for (const key of ["a", "b"]) {
    find(key).addEventListener("change", () => { abx.restart(); find("score").textContent = ""; loadTrack(key); });
    find(`guess-${key}`).addEventListener("click", () => {
      abx.guess(key);
      find("score").textContent = abx.text;
      if (mixer && heard() === "x") mixer.hear(abx.x);
    });
  }
  find("again").addEventListener("click", () => { abx.restart(); find("score").textContent = ""; });
  document.addEventListener("keydown", (event) => {
    const key = { 1: "a", 2: "b", 3: "x" }[event.key];
    if (!key || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select, input[type=search], input[type=number]")) return;
    const input = document.querySelector(`input[name=track][value=${key}]`);
    input.checked = true;
    input.dispatchEvent(new Event("change"));
  });

  // Which clip.
  function show() {
    const clip = data.clips[place()];
    find("title").textContent = clip.id;
    document.title = `${clip.id}: speech codecs compared`;
    const tags = Object.entries(clip.tags).map(([tag, text]) => `${tag} ${text}`);
    find("facts").textContent = [`${clip.seconds} s`, ...tags].join(", ");
    find("clip").value = place();
    find("previous").disabled = place() === 0;
    find("next").disabled = place() === data.clips.length - 1;
    showScores();
    showSounds();
  }

  function go(clip) {
    const next = wanted();
    next.set("clip", clip);
    location.hash = next.toString();
  }

  if (!data.clips.length) {
    find("title").textContent = "No clips";
    return;
  }
  codecbench.fillSelect(find("clip"), data.clips.map((clip, at) => [at, clip.id in data.sounds ? `${clip.id} ♪` : clip.id]), place());
  codecbench.fillSelect(find("condition"), data.conditions.map((name) => [name, name]), wanted().get("condition") || data.conditions[0]);
  find("condition-label").hidden = data.conditions.length < 2;
  find("clip").addEventListener("change", () => go(find("clip").value));
  find("condition").addEventListener("change", show);
  find("previous").addEventListener("click", () => go(place() - 1));
  find("next").addEventListener("click", () => go(place() + 1));
  addEventListener("hashchange", show);
  show();
})();
