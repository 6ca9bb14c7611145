// Elements out of plain values. Text only ever becomes a text node, so that a caption or a note can't be markup.

export const byId = (id) => document.getElementById(id);

export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
}

export const spoken = (name) => String(name).replaceAll("_", " ");

export function labelText(category, subtype) {
  return subtype ? `${spoken(category)}, ${spoken(subtype)}` : spoken(category);
}

export function tinted(made, colour) {
  if (colour) made.style.setProperty("--tone", colour);
  return made;
}
