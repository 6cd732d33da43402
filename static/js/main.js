// The page's one entry: each part listens at the document, so what htmx puts in later works too.

import { startKeys } from "./keys.js";
import { startPage } from "./page.js";
import { mark, startPlayer } from "./player.js";
import { startSearch } from "./search.js";
import { showSelection, startSelection } from "./selection.js";

startPage();
startPlayer();
startKeys();
startSelection();
startSearch();

document.addEventListener("htmx:afterSettle", () => {
  showSelection();
  mark();
});
