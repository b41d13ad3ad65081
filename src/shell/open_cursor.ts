/**
 * A cursor or COPY that is open on a connection: beside it nothing can run.
 *
 * @module
 */

import { rejectAwaited, withoutFrames } from "../call_site.ts";
import { ConnectionBusyError } from "../pool_errors.ts";
import type { Member } from "./member.ts";

// From the end of a cursor's loop to the driver's taking note of it.
const CURSOR_TURNS = 16;

const IS_OPEN = "a cursor or COPY is open on this connection; read it to its " +
  "end, or end() it, first";

/**
 * Whether one waits for its user. One whose loop was just left does so for a
 * few turns of promises more.
 */
export async function hasOpenCursor({ connection }: Member): Promise<boolean> {
  for (let turn = 0; turn < CURSOR_TURNS; turn++) {
    if (!connection.underWay.isSuspended) return false;
    await undefined;
  }
  return connection.underWay.isSuspended;
}

/**
 * Waits for one whose loop was just left; `undefined`, at once, where there is
 * none.
 *
 * @throws {ConnectionBusyError} While a cursor is open, or a COPY is not ended.
 */
export function leaveCursor(
  member: Member,
  action: string,
): Promise<void> | undefined {
  return member.connection.underWay.isSuspended
    ? refuseBeside(member, action)
    : undefined;
}

/**
 * The same of a command of ours, which nobody could end if it stood behind one
 * that comes to wait for its user: also waits for what has not come to that yet.
 */
export function passOpen(
  member: Member,
  action: string,
): Promise<void> | undefined {
  return member.connection.underWay.maySuspend
    ? waitToPass(member, action)
    : undefined;
}

async function waitToPass(member: Member, action: string): Promise<void> {
  const { connection } = member;
  while (connection.underWay.maySuspend) {
    await refuseBeside(member, action).catch(rejectAwaited);
    if (connection.underWay.maySuspend) await connection.step();
  }
}

async function refuseBeside(member: Member, action: string): Promise<void> {
  if (!await hasOpenCursor(member)) return;
  throw withoutFrames(() => new ConnectionBusyError(action, IS_OPEN));
}
