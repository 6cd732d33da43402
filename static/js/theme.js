// Runs before the first paint: the remembered theme, and the mark that scripts work.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  try {
    const theme = localStorage.getItem("timbre.theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  } catch {
    // storage is denied: the system's preference holds
  }
})();
