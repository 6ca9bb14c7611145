// How long an item has been looked at: time in which the page is hidden doesn't count.

export class Stopwatch {
  constructor() {
    this.restart();
  }

  restart() {
    this.shownAt = performance.now();
    this.counted = 0;
    this.runsSince = document.visibilityState === "visible" ? this.shownAt : null;
  }

  pause() {
    this.counted = this.counted + this.running();
    this.runsSince = null;
  }

  resume() {
    this.runsSince = performance.now();
  }

  running() {
    return this.runsSince === null ? 0 : performance.now() - this.runsSince;
  }

  seconds() {
    return Math.round(this.counted + this.running()) / 1000;
  }

  // Milliseconds since the item appeared, seen or not.
  age() {
    return performance.now() - this.shownAt;
  }
}
