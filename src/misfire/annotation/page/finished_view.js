// What there is to say when no item is open.

import { byId, element, spoken, tinted } from "./dom.js";

export function showFinished(session, onSkipped) {
  const { num_items: all, num_labelled: labelled, num_skipped: skipped } = session;
  byId("finished-title").textContent = skipped ? `${labelled} labelled, ${skipped} skipped` : `All ${all} items are labelled`;
  byId("finished-text").textContent = skipped
    ? "Skipped items have no label yet. Look at them again, or leave them so."
    : "Every label is on disk. You may close the page, or look back.";
  byId("finished-actions").replaceChildren(...(skipped ? [skippedButton(skipped, onSkipped)] : []));
  byId("finished-next").replaceChildren(counts(session), next(session));
}

function skippedButton(skipped, onSkipped) {
  const text = skipped === 1 ? "Look at the skipped item" : `Look at the ${skipped} skipped items`;
  const button = element("button", { type: "button", className: "strong", id: "review" }, text);
  button.addEventListener("click", onSkipped);
  return button;
}

function counts({ items, taxonomy }) {
  const rows = taxonomy.categories.map((category) => ({
    ...category,
    count: items.filter((item) => item.status === "labelled" && item.category === category.name).length,
  }));
  const most = Math.max(1, ...rows.map((row) => row.count));
  return element(
    "div",
    { className: "counts" },
    ...rows.flatMap((row) => [
      element("span", { textContent: spoken(row.name) }),
      tinted(element("progress", { max: most, value: row.count, "aria-hidden": "true" }), row.colour),
      element("b", { textContent: row.count }),
    ]),
  );
}

function next({ annotator }) {
  return element(
    "div",
    { className: "next" },
    "For whoever collects the labels, a sheet of them:",
    element("code", { textContent: `misfire annotate export=sheet annotator=${annotator}` }),
  );
}
