// After a click on a chip the focus stays there: on the chip that took its place, or else in the search field.

const CONTROLS = ["chip__lighter", "chip__heavier", "chip__not", "chip__remove"];

let left = null; // where the focus was before the list came anew: { at, control }, at -1 outside of the chips

const chips = () => [...document.querySelectorAll(".chips .chip")];

function note(event) {
  const link = event.detail.requestConfig?.elt;
  left = null;
  if (!link?.closest?.(".understood, .this-one")) return;
  if (document.activeElement !== link && document.activeElement !== document.body) return; // somebody went on meanwhile
  const control = CONTROLS.find((name) => link.classList.contains(name)) ?? "";
  left = { at: chips().indexOf(link.closest(".chip")), control };
}

// The same control; where it is not there any more, as at the greatest weight, its neighbor, else the last one.
function controlOf(chip, control) {
  const others = { chip__lighter: "chip__heavier", chip__heavier: "chip__lighter" };
  const find = (name) => name && chip.querySelector(`.${name}`);
  return find(control) || find(others[control]) || find("chip__remove");
}

function restore() {
  if (!left) return;
  const { at, control } = left;
  left = null;
  if (document.activeElement && document.activeElement !== document.body) return;
  const now = chips();
  const chip = at < 0 ? null : (now[at] ?? now.at(-1));
  (chip ? controlOf(chip, control) : document.querySelector("[data-search-field]"))?.focus();
}

export function startChips() {
  document.addEventListener("htmx:beforeSwap", note);
  document.addEventListener("htmx:afterSettle", restore);
}
