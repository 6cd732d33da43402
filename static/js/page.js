// Small things of every page: theme switch, local times, menus that close, filters that drop what is empty.

import { remember } from "./store.js";

function switchTheme() {
  const root = document.documentElement;
  const light = root.dataset.theme ? root.dataset.theme === "light" : matchMedia("(prefers-color-scheme: light)").matches;
  root.dataset.theme = light ? "dark" : "light";
  remember("theme", root.dataset.theme);
}

// Times come in UTC; people read their own.
const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function showLocalTimes(within) {
  for (const time of within.querySelectorAll("time[datetime]")) time.textContent = format.format(new Date(time.dateTime));
}

// What htmx puts in is written before it is painted, so that no time is seen to change its form.
function showLocalTimesAsTheyCome(changes) {
  for (const place of new Set(changes.map((change) => change.target))) showLocalTimes(place);
}

// A page that refreshes itself takes nothing away that somebody is writing.
function keepWriting(event) {
  if (event.detail.target.id === "main" && document.activeElement?.closest("#edit")) event.preventDefault();
}

function closeMenus(event) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target) || event.key === "Escape") menu.open = false;
  }
}

// `?category=&tag=` says no more than `?`: addresses stay short.
function dropEmpty(event) {
  for (const [name, value] of [...event.formData.entries()]) {
    if (event.target.matches("[data-drop-empty]") && value === "") event.formData.delete(name);
  }
}

function dropEmptyFromRequest(event) {
  const { parameters, elt } = event.detail;
  if (!elt.closest("[data-drop-empty]")) return;
  for (const [name, value] of Object.entries(parameters)) if (value === "") delete parameters[name];
}

export function startPage() {
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-theme-switch]")) switchTheme();
    closeMenus(event);
  });
  document.addEventListener("keydown", (event) => event.key === "Escape" && closeMenus(event));
  document.addEventListener("formdata", dropEmpty);
  document.addEventListener("htmx:configRequest", dropEmptyFromRequest);
  document.addEventListener("htmx:beforeRequest", keepWriting);
  showLocalTimes(document);
  new MutationObserver(showLocalTimesAsTheyCome).observe(document.body, { childList: true, subtree: true });
}
