/** Every type of event that a pool has; the compiler asks for a new one. */
import type { PoolEventType } from "../../mod.ts";

const ALL: Readonly<Record<PoolEventType, true>> = {
  open: true,
  openerror: true,
  close: true,
  lost: true,
  acquire: true,
  release: true,
  leakwarning: true,
  leak: true,
  nestedacquire: true,
  acquireerror: true,
  notice: true,
  hookerror: true,
  listenererror: true,
  closed: true,
};

export const EVENT_TYPES = Object.keys(ALL) as readonly PoolEventType[];
