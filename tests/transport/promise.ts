/**
 * A test that waits on events, and fails rather than hangs when one never comes.
 *
 * @module
 */

const LIMIT_MS = 5_000;

/** Registers a test; its name is what is promised. */
export function promise(name: string, keep: () => Promise<void>): void {
  Deno.test(name, async () => {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new Error(`Cannot finish: stuck for ${LIMIT_MS} ms`)),
      LIMIT_MS,
    );
    try {
      await Promise.race([keep(), late]);
    } finally {
      clearTimeout(timer);
    }
  });
}
