// The keyboard: `/` searches, arrows move in lists and seek, space plays, x selects, ? shows the keys.

import { skip, soundOf, toggle } from "./player.js";

const SEEK_S = 2;
const WRITES = "input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select, [contenteditable]";

const rows = () => [...document.querySelectorAll(".sound")];
const focusedRow = () => document.activeElement?.closest?.(".sound") ?? null;

function focusRow(row) {
  if (!row) return false;
  row.querySelector(".sound__name")?.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
  return true;
}

function move(step) {
  const list = rows();
  const at = list.indexOf(focusedRow());
  return focusRow(at < 0 ? list[0] : list[Math.min(Math.max(at + step, 0), list.length - 1)]);
}

function focusSearch() {
  const field = document.querySelector("[data-search-field]") ?? document.querySelector("[data-quick-search]");
  field?.focus();
  field?.select();
  return Boolean(field);
}

function play() {
  const sound = focusedRow() ?? document.querySelector("[data-main-sound]") ?? document.querySelector("[data-playing]");
  toggle(sound ?? soundOf(rows()[0]));
  return true;
}

function select() {
  const box = focusedRow()?.querySelector(".sound__check");
  box?.click();
  return Boolean(box);
}

function showKeys() {
  const dialog = document.querySelector("[data-keys-dialog]");
  if (dialog?.open) dialog.close();
  else dialog?.showModal();
  return true;
}

const ACTIONS = {
  "/": focusSearch,
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
  j: () => move(1),
  k: () => move(-1),
  ArrowRight: () => skip(SEEK_S),
  ArrowLeft: () => skip(-SEEK_S),
  " ": play,
  x: select,
  "?": showKeys,
};

function onKey(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target;
  if (target.matches?.(WRITES)) {
    if (event.key === "Escape") target.blur();
    else if (event.key === "ArrowDown" && target.type === "search" && focusRow(rows()[0])) event.preventDefault();
    return;
  }
  const onControl = target.matches?.("button, summary, [type=checkbox], [type=radio], [role=button]");
  if (event.key === " " && onControl && !target.matches("[data-play]")) return;
  if (event.key.startsWith("Arrow") && target.matches?.("[type=radio], [type=range]")) return;
  if (ACTIONS[event.key]?.()) event.preventDefault();
}

export function startKeys() {
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-keys]")) showKeys();
  });
}
