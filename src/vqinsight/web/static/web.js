"use strict";
// Sending clips, asking once, following work, and players that are linked.

const $ = (what, within = document) => within.querySelector(what);
const all = (what, within = document) => [...within.querySelectorAll(what)];
const AWAY = "The server does not answer. It is asked again until it does; nothing is lost that was begun.";

function say(text) {
  const place = $("#say");
  place.textContent = text || "";
  place.hidden = !text;
}

function fresh() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((each) => each.toString(16).padStart(2, "0")).join("");
}

async function reason(response) {
  const body = await response.json().catch(() => ({}));
  return body.error?.message || `The server refused (${response.status}).`;
}

async function post(url, body) {
  let response;
  try {
    response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  } catch {
    throw new Error("The server does not answer. Try again in a moment: a second try begins nothing twice.");
  }
  if (!response.ok) throw new Error(await reason(response));
  return response.json();
}

// ---- the list of clips, and sending

const form = $("form[data-ask]");
let chosen = []; // values in the order in which they were chosen

async function list(check = []) {
  const place = $("#clips");
  if (!place) return;
  let response;
  try {
    response = await fetch(place.dataset.list);
  } catch {
    return say(AWAY);
  }
  if (!response.ok) return say(await reason(response));
  place.innerHTML = await response.text();
  chosen = [...chosen, ...check];
  show();
}

function show() {
  const most = Number(form.dataset.count || 0);
  const boxes = all("input[name=clips]", form);
  const there = new Set(boxes.map((box) => box.value));
  chosen = [...new Set(chosen)].filter((value) => there.has(value));
  if (most && chosen.length > most) chosen = chosen.slice(-most);
  for (const box of boxes) {
    const place = chosen.indexOf(box.value);
    box.checked = place >= 0;
    const label = box.closest("label");
    $(".number", label)?.remove();
    if (most === 2 && place >= 0) {
      const mark = document.createElement("span");
      mark.className = "number";
      mark.textContent = "AB"[place];
      label.append(mark);
    }
  }
}

function send(file) {
  const row = document.createElement("li");
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", `Sending ${file.name}`);
  row.append(`${file.name} `, bar);
  $("#sending").append(row);
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    const ended = (problem, id) => {
      if (problem) {
        bar.remove();
        row.textContent = `${file.name}: ${problem}`;
        row.className = "alarm";
      } else row.remove();
      done(id);
    };
    request.upload.onprogress = (event) => { if (event.lengthComputable) bar.value = event.loaded / event.total; };
    request.onerror = () => ended("it did not arrive: the server does not answer. Choose it again.");
    request.onload = () => {
      let body = {};
      try { body = JSON.parse(request.responseText); } catch { /* said below */ }
      if (request.status === 200) ended(null, body.id);
      else ended(body.error?.message || `the server refused it (${request.status}).`);
    };
    const data = new FormData();
    data.append("once", fresh());
    data.append("clip", file);
    request.open("POST", "/clips");
    request.send(data);
  });
}

async function sendAll(files) {
  for (const file of files) {
    const id = await send(file);
    if (id) await list([id]);
  }
  changed();
}

function changed() {
  delete form.dataset.once;
}

if (form) {
  list();
  form.addEventListener("input", changed);
  form.addEventListener("change", (event) => {
    const box = event.target;
    if (box.name !== "clips") return;
    chosen = chosen.filter((value) => value !== box.value);
    if (box.checked) chosen.push(box.value);
    show();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = $("button[type=submit]", form);
    if (button.disabled) return;
    button.disabled = true;
    say("");
    form.dataset.once ||= fresh();
    try {
      const value = (name) => $(`[name=${name}]`, form)?.value;
      const body = { clips: chosen, prompt: value("prompt"), samples: Number(value("samples")), once: form.dataset.once };
      location.assign((await post(form.dataset.ask, body)).url);
    } catch (error) {
      say(error.message);
      button.disabled = false;
    }
  });
  const input = $("#files");
  input?.addEventListener("change", () => { sendAll([...input.files]); input.value = ""; });
  const drop = $("[data-drop]");
  for (const kind of ["dragover", "dragleave", "drop"]) {
    drop?.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragover");
      if (kind === "drop") sendAll([...event.dataTransfer.files]);
    });
  }
  form.addEventListener("click", async (event) => {
    const key = event.target.dataset?.delete;
    if (!key) return;
    event.target.disabled = true;
    try { await post(`/clips/${key}/delete`, {}); } catch (error) { say(error.message); }
    await list();
    $("#files").focus();
  });
  addEventListener("pageshow", (event) => { // back from a result: ask anew
    if (!event.persisted) return;
    $("button[type=submit]", form).disabled = false;
    changed();
  });
}

// ---- work that goes on

async function follow(work) {
  const url = `/jobs/${work.dataset.job}`;
  $("[data-cancel]", work).addEventListener("click", async (event) => {
    event.target.disabled = true;
    try { await post(`${url}/cancel`, {}); } catch (error) { say(error.message); event.target.disabled = false; }
  });
  for (;;) {
    await new Promise((wake) => setTimeout(wake, 400));
    let response;
    try {
      response = await fetch(`${url}/state`);
    } catch {
      say(AWAY);
      continue;
    }
    if (!response.ok) return say(await reason(response));
    say("");
    const found = await response.json();
    if (!["waiting", "running"].includes(found.state)) return location.reload();
    const bar = $("progress", work);
    bar.max = Math.max(found.total, 1);
    bar.value = found.done;
    const next = $("[data-next]", work);
    if (next.textContent !== found.next) next.textContent = found.next;
  }
}

for (const work of all("[data-job]")) if (["waiting", "running"].includes(work.dataset.state)) follow(work);

// ---- players

const times = new Map(); // of each player, the seconds at which its frames are shown

async function prepare(player) {
  const label = $("[data-label]", player);
  let response;
  try { response = await fetch(`/media/${player.dataset.clip}/about`); } catch { return; }
  const about = response.ok ? await response.json() : { problem: await reason(response) };
  const video = $("video", player);
  if (about.problem) label.textContent = `Not shown: ${about.problem}.`;
  else if (about.label) label.textContent = about.label;
  if (about.type?.startsWith("image/")) {
    const image = document.createElement("img");
    image.src = video.src;
    image.alt = video.getAttribute("aria-label");
    video.replaceWith(image);
  } else if (about.times) times.set(player.dataset.player, about.times);
}

for (const player of all("[data-player]")) prepare(player);

function seek(video, time) {
  if (!video) return;
  video.pause();
  video.currentTime = time;
  video.scrollIntoView({ block: "nearest" });
}

for (const part of all("[data-for]")) {
  part.addEventListener("click", (event) => {
    const video = document.getElementById(part.dataset.for);
    const button = event.target.closest("[data-seek]");
    const drawing = event.target.closest(".measure");
    if (button) return seek(video, Number(button.dataset.seek) + 0.001);
    if (!drawing) return;
    const box = $("figure > svg", drawing).getBoundingClientRect();
    const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 0.999);
    seek(video, share * Number(drawing.dataset.duration));
  });
}

function link(place) {
  const videos = () => all("video", place);
  const control = (name) => $(`[data-do=${name}]`, place);
  const play = control("play"), range = control("seek"), speed = control("speed");
  const longest = () => videos().reduce((a, b) => ((b.duration || 0) > (a?.duration || 0) ? b : a), null);
  let playing = false;

  for (const video of videos()) {
    video.loop = false;
    video.controls = false;
    video.addEventListener("click", toggle);
    video.addEventListener("loadedmetadata", draw);
    video.addEventListener("seeked", draw);
  }

  function set(on) {
    playing = on;
    play.textContent = on ? "Pause" : "Play";
    play.setAttribute("aria-pressed", String(on));
  }

  function toggle() {
    if (playing) {
      videos().forEach((video) => video.pause());
      set(false);
      return draw();
    }
    const lead = longest();
    if (!lead) return;
    const time = lead.currentTime >= lead.duration - 0.02 ? 0 : lead.currentTime;
    for (const video of videos()) {
      video.currentTime = Math.min(time, video.duration || time);
      if (time < (video.duration || 0)) video.play().catch((error) => say(`A clip cannot be played: ${error.message}`));
    }
    set(true);
    requestAnimationFrame(follow);
  }

  function follow() {
    if (!playing) return;
    const lead = longest();
    for (const video of videos()) {
      const apart = Math.abs(video.currentTime - lead.currentTime);
      if (video !== lead && !video.ended && !video.seeking && apart > 0.08) video.currentTime = Math.min(lead.currentTime, video.duration);
    }
    draw();
    if (lead.ended) return set(false);
    requestAnimationFrame(follow);
  }

  function draw() {
    const lead = longest();
    if (!lead?.duration) return;
    range.max = lead.duration;
    range.value = lead.currentTime;
    range.setAttribute("aria-valuetext", `${lead.currentTime.toFixed(2)} seconds`);
    $("[data-time]", place).textContent = `${lead.currentTime.toFixed(2)} s`;
  }

  function go(time) {
    videos().forEach((video) => { video.pause(); video.currentTime = Math.min(Math.max(time, 0), video.duration || 0); });
    set(false);
  }

  function step(by) {
    const lead = longest();
    const shown = times.get(lead?.id) || [];
    if (!shown.length) return;
    let at = shown.findLastIndex((time) => time <= lead.currentTime + 0.0005);
    at = Math.min(Math.max(at + by, 0), shown.length - 1);
    const end = shown[at + 1] ?? lead.duration;
    go(at === 0 ? 0 : (shown[at] + Math.max(end, shown[at])) / 2); // the middle of the frame's time
  }

  function rate() {
    videos().forEach((video) => { video.playbackRate = Number(speed.value); });
  }

  play.addEventListener("click", toggle);
  control("back").addEventListener("click", () => step(-1));
  control("forth").addEventListener("click", () => step(1));
  speed.addEventListener("change", rate);
  range.addEventListener("input", () => go(Number(range.value)));
  const keys = {
    " ": toggle,
    ",": () => step(-1),
    ".": () => step(1),
    j: () => go((longest()?.currentTime || 0) - 1),
    l: () => go((longest()?.currentTime || 0) + 1),
    "[": () => { speed.selectedIndex = Math.max(speed.selectedIndex - 1, 0); rate(); },
    "]": () => { speed.selectedIndex = Math.min(speed.selectedIndex + 1, speed.length - 1); rate(); },
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    if (event.target.closest("input:not([type=range]), textarea, select, summary, button, a")) {
      if (event.key === " ") return;
      if (event.target.closest("input:not([type=range]), textarea, select")) return;
    }
    event.preventDefault();
    keys[event.key]();
  });
}

for (const place of all("[data-linked]")) link(place);
