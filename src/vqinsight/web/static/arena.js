"use strict";
// Shows pairs in linked players and sends votes. A vote lies in the browser's storage, under a key of its own, until the
// server has acknowledged it: neither a reload, a second tab nor a closed laptop loses it, and its id makes a second
// sending harmless.

const $ = (what) => document.querySelector(what);
const UNSEEN = 700; // milliseconds in which the second half of a double click falls
const KEYS = { ArrowLeft: "left", ArrowRight: "right", t: "tie", b: "both_bad", s: "skip" };
const SIDES = ["left", "right"];
let rater = null;
let last = null; // the vote that an undo takes back
let current = null;
let upcoming = null; // is loaded while the current pair is looked at
let isMoving = false;
let flushing = null;
let pause = 1000;

function say(text) {
  $("#say").textContent = text || "";
  $("#say").hidden = !text;
}

function uuid() { // crypto.randomUUID is there on https and localhost alone
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((each) => each.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function ask(url, body) {
  const sent = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(url, body === undefined ? {} : sent);
  const found = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, found.error?.message || `The server refused (${response.status}).`);
  return found;
}

function know(state) {
  rater = state.rater;
  last = state.last;
  $("#who").textContent = rater.name;
  $("#count").textContent = `${state.done} of ${state.of} pairs`;
  $("#undo").disabled = !last;
}

// ---- votes that are not acknowledged

const prefix = () => `vqinsight-arena-${rater.id}-`;
const waiting = () => Object.keys(localStorage).filter((key) => key.startsWith(prefix())).sort();
const waitingPairs = () => waiting().map((key) => JSON.parse(localStorage.getItem(key)).pair);

function keep(vote) {
  localStorage.setItem(`${prefix()}${String(vote.clicked).padStart(16, "0")}-${vote.id}`, JSON.stringify(vote));
}

async function sendAll() {
  for (const key of waiting()) {
    const vote = localStorage.getItem(key);
    if (!vote) continue; // another tab was faster
    try {
      know(await ask("/arena/votes", JSON.parse(vote)));
    } catch (error) {
      if (!(error instanceof Refused) || ![400, 409, 422].includes(error.status)) throw error;
      say(error.message); // the server will never take it
    }
    localStorage.removeItem(key);
  }
}

async function flush() {
  flushing ??= sendAll().finally(() => { flushing = null; });
  try {
    await flushing;
    pause = 1000;
    $("#waits").textContent = "";
    return true;
  } catch (error) {
    const count = waiting().length;
    $("#waits").textContent = `${count} ${count === 1 ? "vote waits" : "votes wait"} in this browser until the server answers.`;
    if (error.status === 401) say(error.message);
    else setTimeout(flush, (pause = Math.min(2 * pause, 30000)));
    return false;
  }
}

// ---- pairs

function loaded(pair) {
  const videos = SIDES.map((side) => {
    const video = document.createElement("video");
    Object.assign(video, { muted: true, playsInline: true, preload: "auto", src: pair[side], controls: false });
    video.setAttribute("aria-label", `${side} clip`);
    return video;
  });
  const shown = { pair, videos, id: uuid(), since: Infinity, notes: ["", ""], broken: false };
  SIDES.forEach(async (side, i) => {
    const about = await ask(`${pair[side]}/about`).catch(() => ({}));
    shown.notes[i] = about.problem ? `This clip cannot be shown: ${about.problem}. Skip the pair.` : about.label || "";
    shown.broken ||= Boolean(about.problem);
    if (shown === current) refresh();
  });
  for (const video of videos) {
    for (const event of ["loadeddata", "play", "pause", "ended"]) video.addEventListener(event, refresh);
    video.addEventListener("canplay", () => { if (shown === current && !shown.begun) begin(); });
  }
  return shown;
}

async function fetchPair(held, again) {
  const query = new URLSearchParams({ held: [...held, ...waitingPairs()].join(",") });
  if (again) query.set("again", again);
  const state = await ask(`/arena/next?${query}`);
  know(state);
  return state.pair && loaded(state.pair);
}

function show(next) {
  current?.videos.forEach((video) => video.pause());
  current = next;
  $("#stage").hidden = !next;
  $("#main h1").textContent = next ? "Which clip is better?" : "No pair is left. Thank you.";
  if (!next) return;
  next.since = performance.now();
  $("#prompt").textContent = next.pair.prompt || "";
  SIDES.forEach((side, i) => $(`#${side}`).replaceChildren(next.videos[i]));
  begin();
  refresh();
  setTimeout(refresh, UNSEEN);
}

function begin() {
  if (current.begun || current.videos.some((video) => video.readyState < 3)) return;
  current.begun = true;
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) play();
}

const hasEnded = (video) => video.ended || (video.duration && video.currentTime >= video.duration);

function play() { // both from the same time; the shorter clip rests on its last frame
  const videos = current.videos;
  if (videos.some((video) => !video.paused && !video.ended)) return videos.forEach((video) => video.pause());
  if (videos.every(hasEnded)) videos.forEach((video) => { video.currentTime = 0; });
  for (const video of videos) if (!hasEnded(video) || videos.every((each) => each.currentTime === 0)) video.play().catch(() => {});
}

function canVote(said) {
  if (!current || isMoving || performance.now() - current.since < UNSEEN) return false;
  return said === "skip" || (!current.broken && current.videos.every((video) => video.readyState >= 2));
}

function refresh() {
  if (!current) return;
  for (const button of document.querySelectorAll("[data-said]")) button.disabled = !canVote(button.dataset.said);
  const plays = current.videos.some((video) => !video.paused && !video.ended);
  $("[data-do=play]").firstChild.textContent = plays ? "Pause " : "Play ";
  SIDES.forEach((side, i) => { $(`#${side}-note`).textContent = current.notes[i]; });
}

async function advance(get) { // one move at a time: a failed one is tried again
  isMoving = true;
  let isAway = false;
  for (;;) {
    try {
      show(await get());
      if (isAway) say("");
      break;
    } catch (error) {
      say(error instanceof Refused ? error.message : "The server does not answer. It is asked again.");
      if (error.status === 401) return; // a new link loads the page again
      isAway = true;
      await new Promise((done) => setTimeout(done, 2000));
    }
  }
  isMoving = false;
  refresh();
  prefetch();
}

async function prefetch() {
  const before = current;
  if (!before || upcoming) return;
  const next = await fetchPair([before.pair.id]).catch(() => null);
  if (before === current && !upcoming) upcoming = next;
}

function vote(said) {
  if (!canVote(said)) return;
  say("");
  const { pair, id } = current;
  keep({ id, pair: pair.id, said, swapped: pair.swapped, follows: pair.follows, clicked: Date.now() });
  const sent = flush();
  const next = upcoming;
  upcoming = null;
  if (next) advance(() => next);
  else advance(async () => { await sent; return fetchPair([]); });
}

async function undo() {
  if (isMoving || !rater) return;
  isMoving = true;
  refresh();
  try {
    if (!(await flush()) || !last) return;
    const { pair, swapped, id } = last;
    keep({ id: uuid(), pair, said: "undo", swapped, follows: id, clicked: Date.now() });
    if (!(await flush())) return;
    const aside = current;
    const again = await fetchPair([], pair);
    if (again) {
      upcoming = aside && aside.pair.id !== pair ? aside : upcoming;
      show(again);
    }
  } catch (error) {
    say(error instanceof Refused ? error.message : "The server does not answer. Try again in a moment.");
  } finally {
    isMoving = false;
    refresh();
  }
}

async function enter() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) {
    await ask("/arena/session", { token });
    history.replaceState(null, "", location.pathname); // the token stays out of history and bookmarks
  }
  return fetchRater();
}

async function fetchRater() { // who it is comes first, as unsent votes are stored by rater
  know(await ask("/arena/next"));
  await flush();
  return fetchPair([]);
}

document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const said = KEYS[event.key] || KEYS[event.key.toLowerCase()];
  if (said) vote(said);
  else if (event.key === " " && current) play();
  else if (event.key.toLowerCase() === "u") undo();
  else return;
  event.preventDefault();
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.said) vote(button.dataset.said);
  else if (button.dataset.do === "play") play();
  else undo();
});
addEventListener("online", () => rater && flush());
document.addEventListener("visibilitychange", () => { if (rater && !document.hidden) flush(); });
addEventListener("hashchange", () => location.reload());
advance(enter);
