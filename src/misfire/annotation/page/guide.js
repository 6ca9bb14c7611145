// The guide: everything that the taxonomy says, and every key.

import { byId, element, spoken, tinted } from "./dom.js";

export function buildGuide(taxonomy, settings) {
  byId("guide-body").replaceChildren(
    ...rules(taxonomy),
    ...taxonomy.categories.map(entry),
    keys(taxonomy),
    element("div", { className: "settings" }, ...settings.map(setting)),
  );
}

function rules(taxonomy) {
  const shown = [["The ten-second rule", taxonomy.ten_second_rule], ["Where several fit", taxonomy.rule]];
  return shown
    .filter(([, text]) => text)
    .map(([title, text]) => element("p", { className: "rule" }, element("b", { textContent: title }), text));
}

function entry(category) {
  const name = tinted(element("h3", {}, element("kbd", { textContent: category.key }), spoken(category.name)), category.colour);
  const advice = [["Use it when", category.use_when], ["Not when", category.avoid_when]].filter(([, text]) => text);
  const subtypes = category.subtypes.map((one) => [one, one.definition]);
  return element(
    "section",
    { className: "entry" },
    name,
    element("p", { textContent: category.definition }),
    element(
      "dl",
      {},
      ...advice.flatMap(([term, text]) => [element("dt", { textContent: term }), element("dd", { textContent: text })]),
      ...subtypes.flatMap(([one, text]) => [
        element("dt", {}, spoken(one.name), " ", one.key ? element("kbd", { textContent: one.key }) : null),
        element("dd", { textContent: text }),
      ]),
    ),
    element("ul", { className: "examples" }, ...category.examples.map(example)),
  );
}

function example(one) {
  return element(
    "li",
    {},
    element("q", { textContent: one.caption }),
    element("span", { textContent: `Target: ${one.target}` }),
    element("span", { textContent: `Retrieved: ${one.retrieved}` }),
    one.why,
  );
}

function keys(taxonomy) {
  const first = taxonomy.categories[0].key;
  const last = taxonomy.categories[taxonomy.categories.length - 1].key;
  const rows = [
    [[first, "to", last], "label, and go on to the next item"],
    [["s"], "skip: the item comes back at the end"],
    [["n"], "write a note on the item"],
    [["z", "or", "u"], "take back what you did last"],
    [["\u2190", "\u2192"], "look back and forward; a label given there replaces the old one"],
    [["h"], "underline what the caption states, or don't"],
    [["?"], "open this guide; Esc closes it"],
  ];
  return element(
    "section",
    { className: "entry" },
    element("h3", { textContent: "Keys" }),
    element(
      "dl",
      { className: "keys" },
      ...rows.flatMap(([names, text]) => [
        element("dt", {}, ...names.flatMap((name) => [name === "to" || name === "or" ? name : element("kbd", { textContent: name }), " "])),
        element("dd", { textContent: text }),
      ]),
    ),
  );
}

function setting({ id, text, checked, onChange }) {
  const box = element("input", { type: "checkbox", id, checked });
  box.addEventListener("change", () => onChange(box.checked));
  return element("label", {}, box, text);
}
