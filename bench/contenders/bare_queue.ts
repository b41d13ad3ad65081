import type { Contender, OpenContender } from "./contender.ts";

interface Link {
  readonly resolve: () => void;
  next: Link | undefined;
}

/**
 * A queue of promises and nothing else: no connection, deadline, signal, count
 * or check. What even this costs with many waiters is the runtime's.
 */
export const contender: Contender = {
  open(): OpenContender {
    let [head, tail]: (Link | undefined)[] = [];
    let isHeld = false;
    const acquire = (): Promise<void> => {
      if (isHeld) {
        return new Promise((resolve) => {
          const link = { resolve, next: undefined };
          if (tail === undefined) head = link;
          else tail.next = link;
          tail = link;
        });
      }
      isHeld = true;
      return Promise.resolve();
    };
    const release = (): void => {
      const first = head;
      head = first?.next;
      if (head === undefined) tail = undefined;
      if (first === undefined) isHeld = false;
      else first.resolve();
    };
    return {
      async acquireRelease() {
        await acquire();
        release();
      },
      async hold() {
        await acquire();
        return release;
      },
      oneShot: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
  },
};
