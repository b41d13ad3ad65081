/**
 * How connections end, and within which time.
 *
 * @module
 */

import type { Connection } from "../driver/connection.ts";
import type { Alarm } from "./alarms.ts";
import type { PoolShell } from "./pool_shell.ts";

/** Ends connections, and cuts those whose servers take too long over it. */
export class CloseDesk {
  readonly #shell: PoolShell;

  constructor(shell: PoolShell) {
    this.#shell = shell;
  }

  /** Ends a connection with all that runs on it; cuts it when that takes longer than `limitMs`. */
  async end(connection: Connection, limitMs: number): Promise<void> {
    // Nothing that its server would go on with.
    if (connection.inFlight === 0) return connection.destroy();
    await this.bounded(connection, connection.close(), limitMs);
  }

  /**
   * Closes a connection that was returned, within `limitMs` if its server answers.
   * A COPY whose writer has ended is not undone, unless it needs half of that.
   */
  async close(connection: Connection, limitMs: number): Promise<void> {
    if (connection.underWay.isFinishing) {
      await this.#finish(connection, limitMs / 2);
    }
    await connection.close();
  }

  /** Waits until nothing runs any more, for `limitMs` at most. */
  async #finish(connection: Connection, limitMs: number): Promise<void> {
    const { alarms } = this.#shell;
    const at = this.#shell.now() + limitMs;
    let alarm: Alarm | undefined;
    const late = new Promise<void>((resolve) => {
      alarm = alarms.add(at, resolve);
    });
    await Promise.race([connection.quiesce().catch(() => {}), late]);
    alarms.drop(alarm);
  }

  /** Cuts a connection unless `promise` settles in time. */
  async bounded<T>(
    connection: Connection,
    promise: Promise<T>,
    limitMs: number,
  ): Promise<T> {
    const { alarms } = this.#shell;
    const at = this.#shell.now() + limitMs;
    const alarm = alarms.add(at, () => connection.destroy());
    try {
      return await promise;
    } finally {
      alarms.drop(alarm);
    }
  }
}
