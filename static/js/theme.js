// Light, dark or as the system says; remembered in localStorage. A classic script in <head>, so that the page never
// flashes in the other theme.
(() => {
  const KEY = "facesite.theme";
  // This script is no module and runs before the catalogue is there, so it looks itself (as core/words.js does).
  const gettext = (message) => JSON.parse(document.getElementById("words")?.textContent ?? "{}").catalog?.[message] || message;
  const NAMES = {
    system: () => gettext("Theme: as the system"),
    light: () => gettext("Theme: light"),
    dark: () => gettext("Theme: dark"),
  };
  const ICONS = { system: "contrast", light: "sun", dark: "moon" };
  const ORDER = ["system", "light", "dark"];

  const read = () => {
    try {
      const theme = localStorage.getItem(KEY);
      return ORDER.includes(theme) ? theme : "system";
    } catch {
      return "system"; // storage is blocked: the theme then lasts for the page only
    }
  };
  const apply = (theme) => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  };
  const label = (button, theme) => {
    const words = NAMES[theme]();
    button.setAttribute("aria-label", words);
    button.title = words;
    const use = button.querySelector("use");
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${ICONS[theme]}`));
  };

  let theme = read();
  apply(theme);
  addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("[data-theme-toggle]");
    if (button) {
      label(button, theme);
      button.addEventListener("click", () => {
        theme = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length];
        apply(theme);
        label(button, theme);
        try {
          localStorage.setItem(KEY, theme);
        } catch {
          /* storage is blocked */
        }
      });
    }
    const menu = document.querySelector("[data-menu]");
    document.addEventListener("click", (event) => menu?.open && !menu.contains(event.target) && (menu.open = false));
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu?.open) return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });
})();
