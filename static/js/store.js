// What the browser remembers between pages; nothing breaks where storage is denied.

export function remember(name, value) {
  try {
    localStorage.setItem(`timbre.${name}`, value);
  } catch {
    // denied or full: forgotten at the end of the page
  }
}

export function recall(name, fallback) {
  try {
    return localStorage.getItem(`timbre.${name}`) ?? fallback;
  } catch {
    return fallback;
  }
}
