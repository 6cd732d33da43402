// Check boxes of the list: how many are chosen, all of them at once, a span with shift.

let last = null;

const boxes = () => [...document.querySelectorAll(".sound__check")];

export function showSelection() {
  const bar = document.querySelector("[data-selection]");
  if (!bar) return;
  const all = boxes();
  const chosen = all.filter((box) => box.checked).length;
  bar.querySelector("[data-count]").hidden = chosen === 0;
  bar.querySelector("[data-count] b").textContent = String(chosen);
  bar.querySelector("[data-none-chosen]").hidden = chosen > 0;
  const every = bar.querySelector("[data-select-all]");
  every.checked = chosen > 0 && chosen === all.length;
  every.indeterminate = chosen > 0 && chosen < all.length;
  bar.querySelector("[data-analyze-selected]").disabled = chosen === 0;
}

function onClick(event) {
  if (event.target.matches("[data-select-all]")) {
    for (const box of boxes()) box.checked = event.target.checked;
    showSelection();
    return;
  }
  if (!event.target.matches(".sound__check")) return;
  const list = boxes();
  if (event.shiftKey && last && list.includes(last)) {
    const [from, to] = [list.indexOf(last), list.indexOf(event.target)].sort((a, b) => a - b);
    for (const box of list.slice(from, to + 1)) box.checked = event.target.checked;
  }
  last = event.target;
  showSelection();
}

export function startSelection() {
  document.addEventListener("click", onClick);
  showSelection();
}
