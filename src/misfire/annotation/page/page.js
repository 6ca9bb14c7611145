// The page: one item after the other, one key a label, and the next item only once the label is on disk.

import { Choices } from "./choices.js";
import { Refused, Sender, fetched } from "./connection.js";
import { byId, labelText } from "./dom.js";
import { showFinished } from "./finished_view.js";
import { buildGuide } from "./guide.js";
import { prefetch, showCaption, showItem } from "./item_view.js";
import { nextIndex } from "./order.js";
import { hideAlert, say, setSaved, showAlert } from "./status_view.js";
import { Stopwatch } from "./stopwatch.js";

// A finger that bounces presses twice within this; nobody reads a caption in it.
const BOUNCE_MS = 150;

const page = {
  session: null,
  items: new Map(),
  index: -1,
  isShown: false, // whether what is seen is the item of that index
  choices: null,
  isReviewing: false,
  isBusy: false,
  hasShortcuts: true,
  showsFacts: true,
};

const sender = new Sender({ onWaiting: sayUnsaved });
const watch = new Stopwatch();
const otherTabs = new BroadcastChannel("misfire-annotate");

// ---- what is shown

const current = () => page.session.items[page.index];

function sayUnsaved(event, error) {
  const what = { label: "this label", skip: "this skip", note: "this note", undo: "the undo" }[event.action];
  setSaved("unsaved", "Not saved");
  const why = error instanceof TypeError || error.name === "TimeoutError" ? "The server doesn't answer" : error.message;
  const text = `${why.replace(/\.$/, "")}, so ${what} is not saved yet. Trying again until it is; everything before it is on disk.`;
  if (byId("alert-text").textContent !== text) showAlert(text, { canRetry: true });
}

function showProgress() {
  const { num_items: all, num_labelled: done, minutes_left: minutes } = page.session;
  byId("progress").max = Math.max(1, all);
  byId("progress").value = done;
  const left = minutes === null || done === all ? "" : minutes < 1 ? ", under a minute left" : `, about ${Math.round(minutes)} min left`;
  byId("progress-text").textContent = `${done} of ${all}${left}`;
  byId("undo").disabled = !page.session.can_undo;
}

function showState() {
  const { status, category, subtype, notes } = current();
  byId("state").hidden = status === "open";
  byId("state").textContent = status === "skipped" ? "Skipped" : status === "labelled" ? labelText(category, subtype) : "";
  page.choices.mark(status === "labelled" ? category : null);
  byId("note-shown").hidden = !notes;
  byId("note-shown").textContent = notes ? `Note: ${notes}` : "";
}

async function content(item) {
  if (!page.items.has(item.id)) page.items.set(item.id, await fetched(`/api/items/${encodeURIComponent(item.id)}`));
  return page.items.get(item.id);
}

async function show(index) {
  page.index = index;
  page.isShown = false;
  page.choices.stopAsking();
  const item = current();
  let shown;
  try {
    shown = await content(item);
  } catch (error) {
    showAlert(error instanceof Refused ? error.message : "The server doesn't answer. Everything so far is on disk; start misfire annotate again, and then try.", { canRetry: true });
    setSaved("unsaved", "No server");
    return;
  }
  if (page.index !== index) return;
  byId("work").hidden = byId("dock").hidden = false;
  byId("finished").hidden = true;
  byId("where").textContent = `Item ${index + 1} of ${page.session.items.length}`;
  showItem(shown, page.showsFacts);
  showState();
  showProgress();
  byId("back").disabled = index === 0;
  byId("forward").disabled = index === page.session.items.length - 1;
  const caption = shown.caption.map(([text]) => text).join("");
  const others = shown.opinions.map((one) => ` ${one.annotator}: ${labelText(one.category, one.subtype)}.`).join("");
  say(`Item ${index + 1} of ${page.session.items.length}. Caption: ${caption}${others && `.${others}`}`);
  page.isShown = true;
  watch.restart();
  prefetchAfter(index);
}

function prefetchAfter(index) {
  const following = next(index);
  if (following === null) return;
  const item = page.session.items[following];
  content(item).then(() => prefetch(item.id)).catch(() => {});
}

function finish() {
  page.index = -1;
  page.isShown = page.isReviewing = false;
  showProgress();
  showFinished(page.session, review);
  byId("work").hidden = true;
  byId("dock").hidden = false;
  byId("choices").hidden = true;
  byId("finished").hidden = false;
  for (const id of ["skip", "note", "forward"]) byId(id).disabled = true;
  byId("back").disabled = false;
  byId("finished-title").focus({ preventScroll: true });
  say(byId("finished-title").textContent);
}

// ---- where to go

const next = (from) => nextIndex(page.session.items, from, page.isReviewing);

function goTo(index) {
  byId("choices").hidden = false;
  for (const id of ["skip", "note"]) byId(id).disabled = false;
  return show(index);
}

function goOn(from) {
  const following = next(from);
  return following === null ? finish() : goTo(following);
}

function look(step) {
  const last = page.session.items.length - 1;
  const index = page.index === -1 ? last : page.index + step;
  if (index >= 0 && index <= last) goTo(index);
}

function review() {
  page.isReviewing = true;
  goOn(-1);
}

// ---- what is done

async function act(event) {
  if (page.isBusy) return null;
  page.isBusy = true;
  document.body.classList.add("busy");
  setSaved("saving", "Saving");
  try {
    const reply = await sender.send(event);
    hideAlert();
    setSaved("saved", reply.attempts > 1 ? "Saved, the server is back" : "Saved");
    const missed = reply.version !== page.session.version + 1;
    take(reply);
    otherTabs.postMessage(reply.version);
    if (missed) await refresh();
    return reply;
  } catch (error) {
    setSaved("unsaved", "Not saved");
    showAlert(error.message);
    return null;
  } finally {
    page.isBusy = false;
    document.body.classList.remove("busy");
  }
}

function take({ item, version, num_items, num_labelled, num_skipped, minutes_left, can_undo }) {
  Object.assign(page.session, { version, num_items, num_labelled, num_skipped, minutes_left, can_undo });
  const index = page.session.items.findIndex((one) => one.id === item.id);
  page.session.items[index] = item;
}

const isReady = () => page.isShown && !page.isBusy && watch.age() >= BOUNCE_MS;

async function label(category, subtype) {
  if (!isReady()) return;
  const from = page.index;
  page.choices.mark(category);
  const reply = await act({ action: "label", item: current().id, category, subtype, seconds: watch.seconds() });
  if (reply) await goOn(from);
  else showState();
}

async function skip() {
  if (!isReady()) return;
  const from = page.index;
  if (await act({ action: "skip", item: current().id, seconds: watch.seconds() })) await goOn(from);
}

async function undo() {
  if (page.isBusy || !page.session.can_undo) return;
  const reply = await act({ action: "undo" });
  if (!reply) return;
  await goTo(page.session.items.findIndex((one) => one.id === reply.item.id));
  setSaved("saved", `Took back the ${reply.took_back}`);
  say(`Took back the ${reply.took_back} of item ${page.index + 1}.`);
}

function openNote() {
  if (!page.isShown || page.isBusy) return;
  byId("note-text").value = current().notes;
  byId("note-text").maxLength = page.session.most_note_characters;
  byId("note-dialog").showModal();
}

async function saveNote() {
  const notes = byId("note-text").value;
  byId("note-dialog").close();
  if (notes.trim() === current().notes) return;
  if (await act({ action: "note", item: current().id, notes })) {
    showState();
    say("The note is saved.");
  }
}

function toggleFacts(shows = !page.showsFacts) {
  page.showsFacts = shows;
  byId("facts").checked = shows;
  if (page.isShown) showCaption(page.items.get(current().id).caption, shows);
}

const openGuide = () => byId("guide").showModal();

// ---- keys

const KEYS = { s: skip, n: openNote, z: undo, u: undo, h: () => toggleFacts(), "?": openGuide, arrowleft: () => look(-1), arrowright: () => look(1) };

function onKey(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const isElsewhere = document.querySelector("dialog[open]") || event.target.closest("input, textarea, select");
  if (isElsewhere || page.session === null) return;
  const isNamed = event.key.length > 1;
  if (!page.hasShortcuts && !isNamed) return;
  // A key held down must not label a dozen items.
  const isHandled = event.repeat ? false : handle(event.key);
  if (isHandled) event.preventDefault();
}

function handle(key) {
  if (page.index >= 0 && !byId("choices").hidden && page.choices.press(key)) return true;
  const action = KEYS[key.toLowerCase()];
  if (action === undefined) return false;
  action();
  return true;
}

// ---- staying in step with the log

async function refresh() {
  const before = page.session;
  page.session = await fetched("/api/session");
  if (page.session.annotator !== before.annotator || page.session.failure_set !== before.failure_set) location.reload();
}

async function catchUp() {
  if (page.session === null || page.isBusy) return;
  const shown = page.index >= 0 ? current() : null;
  const { version } = page.session;
  try {
    await refresh();
  } catch (error) {
    return;
  }
  if (byId("saved").dataset.state === "unsaved") retried();
  if (page.session.version === version) return;
  showProgress();
  const isStale = shown === null ? next(-1) !== null : shown.status === "open" && current().status !== "open";
  if (isStale) await goOn(page.index);
  else if (shown !== null) showState();
  else finish();
}

function retried() {
  hideAlert();
  setSaved("saved", "The server is back");
}

async function retry() {
  if (sender.pending) sender.wake();
  else if (page.session === null) await start();
  else if (page.index >= 0) {
    hideAlert();
    await goTo(page.index);
    if (byId("alert").hidden) retried();
  }
}

function onVisibility() {
  if (document.visibilityState === "visible") {
    watch.resume();
    catchUp();
  } else {
    watch.pause();
  }
}

// ---- beginning

async function start() {
  try {
    page.session = await fetched("/api/session");
  } catch (error) {
    showAlert(error instanceof Refused ? error.message : "The server doesn't answer. Start misfire annotate again, and then try.", { canRetry: true });
    return;
  }
  hideAlert();
  const { annotator, failure_set: set, num_labelled: done, num_damaged_lines: damaged, is_adjudication } = page.session;
  if (location.search) history.replaceState(null, "", "/");
  document.title = `${annotator}, misfire annotate`;
  byId("who").textContent = `${is_adjudication ? "disagreements, " : ""}${annotator} on ${set}`;
  page.showsFacts = page.session.highlights;
  page.choices = new Choices(page.session.taxonomy, label, say);
  buildGuide(page.session.taxonomy, [
    { id: "facts", text: "Underline what a caption states", checked: page.showsFacts, onChange: toggleFacts },
    { id: "shortcuts", text: "Single keys are shortcuts", checked: true, onChange: (on) => { page.hasShortcuts = on; } },
  ]);
  setSaved(done ? "saved" : "quiet", done ? `${done} saved` : "No label yet");
  if (damaged) showAlert(`The log has ${damaged} line${damaged > 1 ? "s" : ""} that a crash tore; every other label is there, and an item without one is asked again.`);
  await goOn(-1);
}

document.addEventListener("keydown", onKey);
document.addEventListener("visibilitychange", onVisibility);
window.addEventListener("focus", catchUp);
otherTabs.addEventListener("message", catchUp);
window.addEventListener("beforeunload", (event) => {
  if (sender.pending) event.preventDefault();
});
const BUTTONS = {
  ...{ skip, undo, retry, note: openNote, back: () => look(-1), forward: () => look(1), "guide-button": openGuide },
  ...{ "guide-close": () => byId("guide").close(), "note-cancel": () => byId("note-dialog").close() },
};
for (const [id, action] of Object.entries(BUTTONS)) byId(id).addEventListener("click", () => action());
byId("note-form").addEventListener("submit", (event) => {
  event.preventDefault();
  saveNote();
});
byId("note-text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  saveNote();
});

start();
