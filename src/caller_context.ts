/**
 * Which leases are held where the program is.
 *
 * @module
 */

import type { Member, MemberOwner } from "./member.ts";

/** One lease of a connection, held by a flow and by what that flow starts. */
export interface Holding {
  readonly member: Member;
  /** Which lease of it: the member goes on to other holders. */
  readonly lease: number;
  /** What the flow held already. */
  readonly parent: Holding | undefined;
}

/** What is used of the runtime's `AsyncLocalStorage`. */
interface ContextStorage {
  getStore(): Holding | undefined;
  enterWith(holding: Holding): void;
  run(holding: Holding, call: () => void): void;
}

interface ModuleOwner {
  getBuiltinModule?(name: string): {
    readonly AsyncLocalStorage?: new () => ContextStorage;
  } | undefined;
}

// Others may follow flows by hooks: then one that began before there was
// something to follow cannot be told from its neighbours.
const FOLLOWS_ALL = typeof Deno !== "undefined";

/**
 * Follows the flows of a program: what is awaited, and what is started.
 *
 * A flow is entered where it touches its lease, never in `acquire()`. That runs
 * in the turn of its caller, and whatever the caller starts after it in the same
 * turn would be taken for the holder.
 *
 * It refers to connections, not to leases: those may be forgotten.
 */
export class CallerContext {
  readonly #create: () => ContextStorage | undefined;
  #storage: ContextStorage | undefined;
  #isPrepared = false;

  constructor(create: () => ContextStorage | undefined) {
    this.#create = create;
  }

  /**
   * Begins to follow; any number of times. Done while somebody waits anyway:
   * loading what it takes costs some milliseconds.
   */
  prepare(): void {
    if (this.#isPrepared) return;
    this.#isPrepared = true;
    this.#storage = this.#create();
  }

  /** Notes that the current flow holds the lease of `member`. */
  hold(member: Member): void {
    if (!this.#isPrepared) {
      this.prepare();
      if (!FOLLOWS_ALL) return;
    }
    if (this.#storage === undefined || member.slot.state !== "leased") return;
    const parent = current(this.#storage.getStore());
    if (holds(parent, member)) return;
    this.#storage.enterWith({ member, lease: member.leases, parent });
  }

  /** The leases of a pool that the current flow holds, the latest first. */
  heldOf(pool: MemberOwner): readonly Holding[] {
    const held: Holding[] = [];
    let holding = this.#storage?.getStore();
    for (; holding !== undefined; holding = holding.parent) {
      if (holding.member.owner === pool && isHeld(holding)) held.push(holding);
    }
    return held;
  }
}

/**
 * The context of this process. One for all pools: where flows are followed by
 * hooks, each costs every promise something.
 */
export const callerContext = new CallerContext(createStorage);

/** Whether a lease has not ended yet. */
export function isHeld({ member, lease }: Holding): boolean {
  return member.leases === lease && member.slot.state === "leased";
}

/** The same without what has ended: a flow that lives long must not collect it. */
function current(holding: Holding | undefined): Holding | undefined {
  if (holding === undefined) return undefined;
  const parent = current(holding.parent);
  if (!isHeld(holding)) return parent;
  return parent === holding.parent ? holding : { ...holding, parent };
}

/** Whether a lease of `member` is among what is held. */
function holds(holding: Holding | undefined, member: Member): boolean {
  if (holding === undefined) return false;
  return holding.member === member || holds(holding.parent, member);
}

/** `undefined` where the runtime does not follow flows. */
function createStorage(): ContextStorage | undefined {
  try {
    // Asked for at run time: a runtime without it loads the package all the same.
    const { process } = globalThis as { process?: ModuleOwner };
    const hooks = process?.getBuiltinModule?.("node:async_hooks");
    if (hooks?.AsyncLocalStorage === undefined) return undefined;
    const storage = new hooks.AsyncLocalStorage();
    // Some have `enterWith` only to refuse it; and Node 20 follows nothing until
    // there is something to follow.
    const nothing = {} as Holding;
    storage.run(nothing, () => storage.enterWith(nothing));
    return storage;
  } catch {
    return undefined;
  }
}
