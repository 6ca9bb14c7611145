// Talks to the server. Nothing counts as saved before the server has said so.

const PATIENCE_MS = 8000;
const PAUSES_MS = [500, 1000, 2000, 3000, 5000];

// The server has answered and refused: sending the same again can't help.
export class Refused extends Error {}

export async function fetched(path, options = {}) {
  const response = await fetch(path, { cache: "no-store", ...options, signal: AbortSignal.timeout(PATIENCE_MS) });
  const content = await response.json().catch(() => ({ error: `the server must answer in JSON, got status ${response.status}.` }));
  if (response.ok) return content;
  if (response.status >= 500) throw new Error(content.error);
  throw new Refused(content.error);
}

function newId() {
  // crypto.randomUUID exists only on loopback and behind TLS.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Sends one event until it is on disk or refused; a lost reply costs nothing, since the id stays the same.
export class Sender {
  constructor({ onWaiting }) {
    this.onWaiting = onWaiting;
    this.pending = null;
    this.wake = () => {};
  }

  async send(event) {
    const body = JSON.stringify({ ...event, id: newId() });
    const headers = { "Content-Type": "application/json", "X-Misfire": "1" };
    this.pending = event;
    try {
      for (let attempt = 0; ; attempt += 1) {
        try {
          const reply = await fetched("/api/events", { method: "POST", headers, body });
          return { ...reply, attempts: attempt + 1 };
        } catch (error) {
          if (error instanceof Refused) throw error;
          this.onWaiting(event, error, attempt + 1);
          await this.pause(PAUSES_MS[Math.min(attempt, PAUSES_MS.length - 1)]);
        }
      }
    } finally {
      this.pending = null;
    }
  }

  pause(milliseconds) {
    return new Promise((resolve) => {
      this.wake = resolve;
      setTimeout(resolve, milliseconds);
    });
  }
}
