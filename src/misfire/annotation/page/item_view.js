// One item: its caption, its two images, what others said of it where that may be seen.

import { byId, element, labelText } from "./dom.js";

const SMALL_PIXELS = 160;
const SIDES = {
  target: "Target: the image that the caption describes",
  retrieved: "Retrieved: the image that the model found instead",
};
const ready = new Map();

const address = (id, side) => `/images/${encodeURIComponent(id)}/${side}`;

// Images of the next item are fetched while this one is looked at; they wait in the browser's own cache.
export function prefetch(id) {
  if (ready.has(id)) return;
  ready.set(id, Object.keys(SIDES).map((side) => Object.assign(new Image(), { src: address(id, side) })));
  if (ready.size > 12) ready.delete(ready.keys().next().value);
}

export function showItem(item, showsFacts) {
  showCaption(item.caption, showsFacts);
  for (const [side, text] of Object.entries(SIDES)) byId(side).replaceChildren(image(item.id, side, text));
  showOpinions(item);
}

export function showCaption(pieces, showsFacts) {
  byId("caption").replaceChildren(
    ...pieces.map(([text, kind]) =>
      kind && showsFacts ? element("span", { className: "fact", textContent: text }) : text,
    ),
  );
}

function image(id, side, text) {
  // A new element each time: an old one would show the last item's image until the new one has come.
  const shown = element("img", { alt: text, decoding: "async", loading: "lazy", draggable: false });
  shown.addEventListener("load", () => {
    shown.classList.toggle("small", Math.max(shown.naturalWidth, shown.naturalHeight) <= SMALL_PIXELS);
  });
  shown.addEventListener("error", () => {
    shown.replaceWith(element("p", { textContent: "This image couldn't be loaded. Look again later, or skip the item." }));
  });
  shown.src = address(id, side);
  return shown;
}

function showOpinions(item) {
  const rows = item.opinions.map((one) =>
    element(
      "p",
      { className: "opinion" },
      element("span", { textContent: one.annotator }),
      element("b", { textContent: labelText(one.category, one.subtype) }),
      one.notes ? element("span", { textContent: one.notes }) : null,
    ),
  );
  if (item.scores) {
    const { rank, target, retrieved } = item.scores;
    const text = `target at rank ${rank}, score ${target.toFixed(4)} against ${retrieved.toFixed(4)}`;
    rows.push(element("p", { className: "opinion" }, element("span", { textContent: "model" }), text));
  }
  byId("opinions").replaceChildren(...rows);
  byId("opinions").hidden = rows.length === 0;
}
