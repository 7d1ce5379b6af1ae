// Small helpers that every page's module shares.

/** The element that must be there. Throws without it: a template that lacks it is a mistake, to be noticed at once. */
export function find(selector, root = document) {
  const node = root.querySelector(selector);
  if (!node) throw new Error(`The page has no ${selector}`);
  return node;
}

/** el("p", {class: "muted", hidden: true}, "text", child, null) */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** One symbol of static/icons/sprite.svg, whose hashed address the body carries. */
export function icon(name) {
  const use = svg("use", { href: `${document.body.dataset.icons}#${name}` });
  return svg("svg", { class: "icon", "aria-hidden": "true", focusable: "false" }, use);
}

export function setIcon(node, name) {
  find("use", node).setAttribute("href", `${document.body.dataset.icons}#${name}`);
}

/** Writes only what changed: screen readers repeat a live region with every write. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function toggle(node, shown) {
  if (node.hidden === shown) node.hidden = !shown;
}

/**
 * Other children for a node that can take the focus. If it was on one of the old ones, it goes to the new one with the
 * same data-key, else to the node: on <body> it would be lost for whoever works with the keyboard.
 */
export function replaceContent(node, ...children) {
  const focused = document.activeElement;
  const inside = focused !== node && node.contains(focused);
  const key = focused.dataset.key;
  node.replaceChildren(...children);
  if (!inside) return;
  const heir = key && [...node.querySelectorAll("[data-key]")].find((other) => other.dataset.key === key);
  (heir || node).focus({ preventScroll: true });
}

/** Connects every such node: those that are there, and those of a page's content that a script has replaced. */
export function connectAll(selector, connect) {
  const connectPresent = () => document.querySelectorAll(selector).forEach(connect);
  connectPresent();
  document.addEventListener("contentreplaced", connectPresent);
}

/** The data that a template wrote with json_script. */
export function readJson(id) {
  return JSON.parse(find(`#${id}`).textContent);
}

/** The address for a real UUID, from the address that a template rendered for the all-zero UUID. */
export function withUuid(address, uuid) {
  return address.replace("00000000-0000-0000-0000-000000000000", encodeURIComponent(uuid));
}

/** A mark with one or two letters beside a name. */
export function avatar(letters) {
  return el("span", { class: "avatar", "aria-hidden": "true" }, letters);
}

export function remember(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Storage is blocked: the choice then lasts for this page only.
  }
}

export function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
