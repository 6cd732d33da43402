// The search page: ways to go on while one types, recent searches, and a form that says what the address says.

import { startByAudio } from "./by_audio.js";
import { startChips } from "./chips.js";
import { recall, remember } from "./store.js";

const WAIT_MS = 120;
const MOST_RECENT = 10;

let options = []; // what is offered now: { shown, note, kind, text, cursor }
let offeredFor = "";
let active = -1;
let waiting = 0;
let asked = null; // an AbortController of the request on its way

const field = () => document.querySelector("[data-complete]");
const list = () => document.getElementById("search-options");
const isOpen = () => options.length > 0;

// Positions are counted in characters there and in UTF-16 units here.
const inCharacters = (text, units) => [...text.slice(0, units)].length;
const inUnits = (text, characters) => [...text].slice(0, characters).join("").length;

function close() {
  clearTimeout(waiting);
  asked?.abort();
  options = [];
  active = -1;
  const input = field();
  if (!input) return;
  list().hidden = true;
  list().replaceChildren();
  input.setAttribute("aria-expanded", "false");
  input.removeAttribute("aria-activedescendant");
  tell("");
}

// For who hears the page: how many there are, and how to get to them.
function tell(words) {
  document.querySelector("[data-offered]").textContent = words;
}

function option({ shown, note, kind }, at) {
  const item = document.createElement("li");
  item.id = `search-option-${at}`;
  item.role = "option";
  item.dataset.kind = kind;
  item.dataset.option = String(at);
  item.ariaSelected = "false";
  const name = document.createElement("span");
  name.textContent = shown;
  const said = document.createElement("span");
  said.textContent = note;
  item.append(name, " ", said);
  return item;
}

function show(found) {
  options = found;
  active = -1;
  list().replaceChildren(...found.map(option));
  list().hidden = found.length === 0;
  field().setAttribute("aria-expanded", String(found.length > 0));
  tell(found.length ? `${found.length} way${found.length === 1 ? "" : "s"} to go on, with the arrow keys` : "");
  field().removeAttribute("aria-activedescendant");
}

function choose(at) {
  active = at;
  for (const item of list().children) item.ariaSelected = String(item.dataset.option === String(at));
  if (at < 0) return field().removeAttribute("aria-activedescendant");
  field().setAttribute("aria-activedescendant", `search-option-${at}`);
  return list().children[at].scrollIntoView({ block: "nearest" });
}

function accept(at) {
  const input = field();
  if (offeredFor !== input.value) return close(); // typed on since: the list would put older words in its place
  const { text, cursor, kind } = options[at];
  close();
  input.value = text;
  const place = inUnits(text, cursor);
  input.setSelectionRange(place, place);
  input.focus();
  if (kind === "field") ask();
  else input.dispatchEvent(new CustomEvent("input", { bubbles: true, detail: "accepted" }));
}

async function ask() {
  const input = field();
  if (!input.value || input.selectionStart !== input.selectionEnd) return close();
  asked?.abort();
  asked = new AbortController();
  const query = new URLSearchParams({ q: input.value, at: inCharacters(input.value, input.selectionStart) });
  try {
    const answer = await fetch(`${input.dataset.complete}?${query}`, { signal: asked.signal });
    if (!answer.ok) return close();
    const { suggestions } = await answer.json();
    if (document.activeElement === input) show(suggestions);
    offeredFor = input.value;
  } catch (error) {
    if (error.name !== "AbortError") close(); // nobody answers: nothing is offered
  }
  return undefined;
}

function onInput(event) {
  if (event.target !== field() || event.isComposing || event.detail === "accepted") return;
  clearTimeout(waiting);
  if (isOpen()) choose(-1); // what is listed was offered for other letters
  waiting = setTimeout(ask, WAIT_MS);
}

// Before any other listener: what the list takes moves nothing else.
function onKey(event) {
  if (event.target !== field() || event.isComposing) return;
  if (!isOpen()) {
    if (event.key === "Enter" || event.key === "Escape") close();
    return;
  }
  const { key } = event;
  const count = options.length;
  if (key === "ArrowDown") choose(active + 1 === count ? -1 : active + 1);
  else if (key === "ArrowUp") choose(active < 0 ? count - 1 : active - 1);
  else if (key === "Escape") close();
  else if ((key === "Enter" || key === "Tab") && active >= 0) accept(active);
  else {
    if (key === "Enter" || key === "Tab") close();
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}

function onPointer(event) {
  const item = event.target.closest?.("[data-option]");
  if (!item) return;
  event.preventDefault(); // the field keeps the focus
  accept(Number(item.dataset.option));
}

function prepareField() {
  const input = field();
  if (!input || input.role === "combobox") return;
  input.role = "combobox";
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", list().id);
  input.setAttribute("aria-expanded", "false");
}

// Links change the address; the form around them follows it.
function followAddress() {
  const form = document.getElementById("search-form");
  if (!form) return;
  const said = new URLSearchParams(location.search);
  if (document.activeElement !== field()) field().value = said.get("q") ?? "";
  for (const mode of form.querySelectorAll("[name=mode]")) mode.checked = mode.value === (said.get("mode") || "both");
  form.querySelector("[name=sort]").value = said.get("sort") ?? "";
  form.querySelector("[name=different]").checked = said.get("different") === "1";
}

function recent() {
  try {
    const kept = JSON.parse(recall("recent", "[]"));
    return Array.isArray(kept) ? kept.filter((one) => typeof one?.q === "string" && typeof one?.query === "string") : [];
  } catch {
    return [];
  }
}

// What was typed on, letter by letter, is one search: the last one stays.
function noteRecent() {
  const said = new URLSearchParams(location.search);
  said.delete("offset");
  const q = said.get("q")?.trim();
  if (!q || !field()) return;
  const others = recent().filter((one, at) => one.q !== q && !(at === 0 && q.startsWith(one.q)) && !(at === 0 && one.q.startsWith(q)));
  remember("recent", JSON.stringify([{ q, query: said.toString() }, ...others].slice(0, MOST_RECENT)));
}

function showRecent() {
  const place = document.querySelector("[data-recent]");
  if (!place) return;
  const items = recent().map(({ q, query }) => {
    const link = document.createElement("a");
    link.href = `?${query}`;
    link.textContent = q;
    const item = document.createElement("li");
    item.append(link);
    return item;
  });
  place.hidden = items.length === 0;
  place.querySelector("[data-recent-list]").replaceChildren(...items);
}

// A line that is begun for somebody is gone on with: by Tab a browser would select it, to be typed over.
function goOn({ target }) {
  if (target.matches("[data-begun]") && target.value === target.defaultValue) target.setSelectionRange(target.value.length, target.value.length);
}

function settle() {
  prepareField();
  showRecent();
}

export function startSearch() {
  document.addEventListener("input", onInput);
  document.addEventListener("keydown", onKey, true);
  document.addEventListener("mousedown", onPointer);
  document.addEventListener("focusin", goOn);
  document.addEventListener("focusout", (event) => event.target === field() && close());
  document.addEventListener("submit", (event) => event.target.id === "search-form" && close());
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-forget-recent]")) return;
    remember("recent", "[]");
    showRecent();
  });
  document.addEventListener("htmx:pushedIntoHistory", () => {
    followAddress();
    noteRecent();
  });
  document.addEventListener("htmx:afterSettle", settle);
  startByAudio();
  startChips();
  noteRecent();
  settle();
}
