// What the page says about itself: whether a label is saved, what went wrong, and what a screen reader hears.

import { byId } from "./dom.js";

export function say(text) {
  byId("announce").textContent = text;
}

export function setSaved(state, text) {
  byId("saved").dataset.state = state;
  byId("saved-text").textContent = text;
}

export function showAlert(text, { canRetry = false } = {}) {
  byId("alert-text").textContent = text;
  byId("retry").hidden = !canRetry;
  byId("alert").hidden = false;
}

export function hideAlert() {
  byId("alert").hidden = true;
  byId("alert-text").textContent = "";
}
