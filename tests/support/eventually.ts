/** Waiting for what cannot be listened to, and not for ever. */

const POLL_MS = 5;

/** Resolves once `condition` holds; rejects after the deadline, saying what was waited for. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 5_000,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!await condition()) {
    if (performance.now() > deadline) {
      throw new Error(`Cannot see that ${what}: not after ${deadlineMs} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Resolves in a later turn of the event loop: whatever was ready has run by then. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
