// The buttons of the taxonomy, and what a key means on them.

import { byId, element, spoken, tinted } from "./dom.js";

export class Choices {
  constructor(taxonomy, onChoice, say) {
    this.say = say;
    this.categories = taxonomy.categories;
    this.onChoice = onChoice;
    this.asking = null;
    byId("categories").replaceChildren(...this.categories.map((category) => this.categoryButton(category)));
  }

  categoryButton(category) {
    const button = element(
      "button",
      { type: "button", className: "category", title: category.definition, "aria-keyshortcuts": String(category.key), "aria-pressed": "false" },
      element("kbd", { textContent: category.key, "aria-hidden": "true" }),
      element("span", { textContent: spoken(category.name) }),
    );
    button.addEventListener("click", () => this.choose(category));
    return tinted(button, category.colour);
  }

  choose(category) {
    if (category.subtypes.length > 0) this.ask(category);
    else this.onChoice(category.name, null);
  }

  // A category with subtypes takes one further key; a subtype's own key saves even that.
  ask(category) {
    this.asking = { category, returnTo: document.activeElement };
    const options = category.subtypes.map((subtype, index) =>
      this.subtypeButton(subtype.key || String(index + 1), subtype.name, subtype.definition, () => this.answer(subtype.name)),
    );
    options.push(
      this.subtypeButton("Enter", "not sure which", `${spoken(category.name)} without a subtype`, () => this.answer(null)),
      this.subtypeButton("Esc", "another category", "Go back to the categories", () => this.stopAsking()),
    );
    byId("subtypes").replaceChildren(...options);
    byId("subtypes").hidden = false;
    byId("categories").hidden = true;
    byId("question").textContent = `${spoken(category.name)}: of which kind?`;
    byId("choices").focus({ preventScroll: true });
    this.say(`${byId("question").textContent} ${options.map((option) => option.textContent).join(", ")}`);
  }

  subtypeButton(key, name, definition, onClick) {
    const button = element(
      "button",
      { type: "button", className: "category", title: definition, "aria-keyshortcuts": key === "Esc" ? "Escape" : key },
      element("kbd", { textContent: key, "aria-hidden": "true" }),
      " ",
      element("span", { textContent: spoken(name) }),
    );
    button.addEventListener("click", onClick);
    return button;
  }

  answer(subtype) {
    const { category } = this.asking;
    this.stopAsking();
    this.onChoice(category.name, subtype);
  }

  stopAsking() {
    if (this.asking === null) return;
    const { returnTo } = this.asking;
    this.asking = null;
    byId("subtypes").hidden = true;
    byId("categories").hidden = false;
    byId("question").textContent = "What does the retrieved image get wrong?";
    if (returnTo instanceof HTMLElement && returnTo !== document.body) returnTo.focus({ preventScroll: true });
    else byId("choices").blur();
  }

  // Whether the key meant something here.
  press(key) {
    const pressed = key.toLowerCase();
    if (this.asking !== null) return this.pressWhileAsking(pressed);
    for (const category of this.categories) {
      if (pressed === String(category.key)) {
        this.choose(category);
        return true;
      }
      const subtype = category.subtypes.find((one) => one.key && one.key === pressed);
      if (subtype) {
        this.onChoice(category.name, subtype.name);
        return true;
      }
    }
    return false;
  }

  pressWhileAsking(pressed) {
    if (pressed === "escape") {
      this.stopAsking();
      return true;
    }
    if (pressed === "enter" && document.activeElement?.closest("#subtypes") === null) {
      this.answer(null);
      return true;
    }
    const subtypes = this.asking.category.subtypes;
    const subtype = subtypes.find((one) => one.key === pressed) ?? subtypes[Number(pressed) - 1];
    if (subtype) this.answer(subtype.name);
    return subtype !== undefined;
  }

  mark(category) {
    [...byId("categories").children].forEach((button, index) => {
      button.setAttribute("aria-pressed", String(this.categories[index].name === category));
    });
  }
}
