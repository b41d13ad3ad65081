import {
  Interruption,
  type Signals,
} from "../../examples/demo/interruption.ts";
import { assert, assertEquals } from "../support/assert.ts";

/** Signals that a test sends. */
class FakeSignals implements Signals {
  readonly #listeners = new Map<string, () => void>();

  /** How many signals would not end the process. */
  get caught(): number {
    return this.#listeners.size;
  }

  addSignalListener(name: string, listener: () => void): void {
    this.#listeners.set(name, listener);
  }

  removeSignalListener(name: string, listener: () => void): void {
    if (this.#listeners.get(name) === listener) this.#listeners.delete(name);
  }

  send(name: string): void {
    this.#listeners.get(name)?.();
  }
}

Deno.test("Interruption takes the echo of a Ctrl-C for the same", () => {
  const signals = new FakeSignals();
  using interruption = new Interruption(signals, 60_000);
  const { caught } = signals;
  assert(caught > 0);
  let aborts = 0;
  interruption.signal.addEventListener("abort", () => aborts++);
  signals.send("SIGINT");
  signals.send("SIGINT");
  assertEquals([aborts, signals.caught], [1, caught]);
});

Deno.test("Interruption leaves a later Ctrl-C to end the process", async () => {
  const signals = new FakeSignals();
  using interruption = new Interruption(signals, 0);
  signals.send("SIGINT");
  assert(interruption.signal.aborted);
  // Timers of the same time are due in the order in which they were set.
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(signals.caught, 0);
});

Deno.test("Interruption that is over catches no signal any more", () => {
  const signals = new FakeSignals();
  new Interruption(signals)[Symbol.dispose]();
  assertEquals(signals.caught, 0);
});
