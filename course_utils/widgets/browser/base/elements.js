// Elements of a page and of a picture, and texts made of them.

const SVG = "http://www.w3.org/2000/svg";

export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

export function html(name, className, ...children) {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

// Words that a screen reader says whenever they change.
export function live(name, className) {
  const element = html(name, className);
  element.setAttribute("aria-live", "polite");
  return element;
}

export function button(text, press, { quiet = false, label = text } = {}) {
  const element = html("button", quiet ? "cu-button cu-quiet" : "cu-button", text);
  element.type = "button";
  if (label !== text) element.setAttribute("aria-label", label);
  element.addEventListener("click", press);
  return element;
}

// Text with *strong* words.
export function rich(sentence) {
  return sentence.split("*").map((part, i) => (i % 2 ? html("strong", "", part) : part));
}

// Pieces of a text, each underlined so that neighbours can be told apart.
export function tokens(pieces) {
  return pieces.map((piece, i) => html("span", `cu-token cu-token-${i % 2}`, piece));
}

// What the colours mean: pairs of a swatch's name and its words.
export function legend(...keys) {
  const key = ([swatch, words]) => html("span", "cu-key", html("span", `cu-swatch cu-swatch-${swatch}`), words);
  return html("div", "cu-legend", ...keys.map(key));
}
