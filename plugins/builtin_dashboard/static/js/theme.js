// Light or dark: as the system says, until somebody chooses.

const STORE = "pbhost_theme";
const system = window.matchMedia("(prefers-color-scheme: dark)");

export function applyTheme() {
  const chosen = localStorage.getItem(STORE);
  document.documentElement.dataset.theme = chosen || (system.matches ? "dark" : "light");
}

export function toggleTheme() {
  const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  localStorage.setItem(STORE, next);
  applyTheme();
}

system.addEventListener("change", applyTheme);

/** The accent colour of the application's settings; text on it stays readable whatever was chosen. */
export function applyAccent(color) {
  if (!/^#[0-9a-f]{6}$/i.test(color || "")) {
    return;
  }
  const [red, green, blue] = [1, 3, 5].map((index) => {
    const part = parseInt(color.slice(index, index + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  const root = document.documentElement.style;
  root.setProperty("--accent", color);
  root.setProperty("--accent-text", luminance > 0.18 ? "#10131a" : "#ffffff");
}
