// One <audio> for the page. A sound is any element with data-sound, data-src, data-title and data-duration-s; one with
// data-start-s begins there.

import { recall, remember } from "./store.js";

const audio = document.querySelector("[data-audio]");
const bar = document.querySelector("[data-player]");
let current = null; // { id, durationS }

export function soundOf(element) {
  return element?.closest?.("[data-sound]") ?? null;
}

export function isPlaying() {
  return !audio.paused;
}

export function toggle(element) {
  const sound = soundOf(element);
  if (!sound?.dataset.src || sound.dataset.sound === current?.id) {
    if (current) (audio.paused ? start : pause)();
    return;
  }
  load(sound);
  if (sound.dataset.startS) goTo(Number(sound.dataset.startS));
  start();
}

function goTo(target) {
  const { src } = audio;
  if (audio.readyState > 0) audio.currentTime = target;
  else {
    const jump = () => audio.src === src && (audio.currentTime = target); // unless another sound came first
    audio.addEventListener("loadedmetadata", jump, { once: true });
  }
}

export function seek(element, fraction) {
  const sound = soundOf(element);
  if (sound && sound.dataset.sound !== current?.id) {
    if (!sound.dataset.src) return;
    load(sound);
  }
  if (!current) return;
  goTo(fraction * durationS());
  start();
}

export function skip(seconds) {
  if (current) audio.currentTime = Math.min(Math.max(audio.currentTime + seconds, 0), durationS());
  return Boolean(current);
}

export function pause() {
  audio.pause();
}

function start() {
  audio.play().catch((reason) => {
    if (reason.name === "NotAllowedError") say("The browser wants a click before it plays.");
  });
}

function load(sound) {
  const { sound: id, title, src, durationS: duration, href, category } = sound.dataset;
  current = { id, durationS: Number(duration) || 0 };
  audio.src = src;
  bar.hidden = false;
  bar.dataset.sound = id;
  bar.dataset.category = category ?? "";
  say("");
  const link = bar.querySelector("[data-title]");
  link.textContent = title;
  link.href = href;
  bar.querySelector("[data-total]").textContent = clock(current.durationS);
  showWave(sound);
  mark();
}

function showWave(sound) {
  const target = bar.querySelector("[data-wave]");
  const drawing = sound.querySelector(".wave [data-shape]");
  target.replaceChildren();
  if (!drawing) return;
  const copy = drawing.cloneNode(true);
  copy.removeAttribute("x");
  const path = copy.querySelector("path");
  path.id = "player-shape";
  copy.querySelector("use").setAttribute("href", "#player-shape");
  target.append(copy);
}

function durationS() {
  return Number.isFinite(audio.duration) ? audio.duration : (current?.durationS ?? 0);
}

function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function say(words) {
  bar.querySelector("[data-message]").textContent = words;
}

function ofCurrent() {
  return current ? document.querySelectorAll(`[data-sound="${CSS.escape(current.id)}"]`) : [];
}

// Also after htmx put new rows in: the one that plays is marked again.
export function mark() {
  for (const element of document.querySelectorAll("[data-playing]")) element.removeAttribute("data-playing");
  for (const element of ofCurrent()) element.toggleAttribute("data-playing", !audio.paused);
  for (const button of document.querySelectorAll("[data-play]")) {
    const playing = soundOf(button)?.hasAttribute("data-playing") ?? false;
    button.setAttribute("aria-pressed", String(playing));
  }
  drawPosition();
}

function drawPosition() {
  const fraction = durationS() ? audio.currentTime / durationS() : 0;
  for (const element of ofCurrent()) {
    for (const wave of element.querySelectorAll(".wave, [data-playhead]")) {
      wave.style.setProperty("--played", fraction.toFixed(5));
      wave.toggleAttribute("data-started", fraction > 0);
    }
  }
  for (const wave of document.querySelectorAll("[data-started]")) {
    if (soundOf(wave)?.dataset.sound !== current?.id) {
      wave.style.removeProperty("--played");
      wave.removeAttribute("data-started");
    }
  }
  bar.querySelector("[data-time]").textContent = clock(audio.currentTime);
}

function follow() {
  drawPosition();
  if (!audio.paused) requestAnimationFrame(follow);
}

function tellFailure() {
  mark();
  if (current) say("The file cannot be played. Is it still in its folder?");
}

function seekFromPointer(event) {
  const place = event.target.closest("[data-seek-s]");
  if (place && soundOf(place)) {
    event.preventDefault();
    const whole = Number(soundOf(place).dataset.durationS);
    return seek(place, whole ? Number(place.dataset.seekS) / whole : 0);
  }
  const wave = event.target.closest("[data-wave]");
  if (!wave || event.button !== 0) return undefined;
  const box = wave.getBoundingClientRect();
  return seek(wave, Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1));
}

export function startPlayer() {
  audio.volume = Number(recall("volume", "1"));
  const volume = bar.querySelector("[data-volume]");
  volume.value = String(audio.volume);
  volume.addEventListener("input", () => {
    audio.volume = Number(volume.value);
    remember("volume", volume.value);
  });
  audio.addEventListener("play", () => (mark(), follow()));
  audio.addEventListener("pause", mark);
  audio.addEventListener("ended", mark);
  audio.addEventListener("seeked", drawPosition);
  audio.addEventListener("error", tellFailure);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-play]");
    if (!button) return seekFromPointer(event);
    event.preventDefault();
    return toggle(button);
  });
}
