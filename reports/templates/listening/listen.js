// A listening test that needs no server: one sound after another, ratings saved as a file.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const find = (id) => document.getElementById(id);
  const order = data.sounds.map((_, place) => place);
  for (let place = order.length - 1; place > 0; place -= 1) {
    const other = crypto.getRandomValues(new Uint32Array(1))[0] % (place + 1);
    [order[place], order[other]] = [order[other], order[place]];
  }
  const ratings = [];
  const audio = new Audio();
  let at = 0;
  let began = 0;

  function show() {
    if (at === order.length) return end();
    const bytes = Uint8Array.from(atob(data.sounds[order[at]].wav), (character) => character.charCodeAt(0));
    URL.revokeObjectURL(audio.src);
    audio.src = URL.createObjectURL(new Blob([bytes], { type: "audio/wav" }));
    find("progress").textContent = `Sound ${at + 1} of ${order.length}`;
    find("answer").reset();
    find("ratings").disabled = true;
    find("next").disabled = true;
    find("play").focus();
    began = performance.now();
  }

  function end() {
    find("trial").hidden = true;
    find("end").hidden = false;
    const result = { kit: data.kit, listener: find("listener").value.trim(), ratings };
    find("save").href = URL.createObjectURL(new Blob([JSON.stringify(result, null, 1)], { type: "application/json" }));
    find("save").focus();
  }

  find("start").addEventListener("submit", (event) => {
    event.preventDefault();
    find("begin").hidden = true;
    find("trial").hidden = false;
    show();
  });
  find("play").addEventListener("click", () => { audio.currentTime = 0; audio.play(); });
  audio.addEventListener("ended", () => { find("ratings").disabled = false; });
  find("ratings").addEventListener("change", () => { find("next").disabled = false; });
  find("answer").addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = find("answer").querySelector("input:checked");
    if (!chosen) return;
    ratings.push({ stimulus: data.sounds[order[at]].name, rating: Number(chosen.value), seconds: Math.round(performance.now() - began) / 1000 });
    at += 1;
    show();
  });
})();
