/**
 * Which leases are held where the program is.
 *
 * @module
 */

/**
 * One lease, as a context knows it.
 *
 * It refers neither to a connection nor to a pool: what is opened in a context
 * keeps all of it, and may outlive them by far.
 */
export interface HeldLease {
  /** Whose it is: a key of its pool. */
  readonly pool: object;
  /** Whether it was released, or lost. */
  hasEnded: boolean;
  /** How many wait for another connection of the pool where it is held. */
  nestedWaiters: number;
}

/** A lease that is held by a flow, and by what that flow starts. */
export interface Holding {
  readonly lease: HeldLease;
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

const NONE: readonly HeldLease[] = [];

// Others may follow flows by hooks: then one that began before there was
// something to follow cannot be told from its neighbours.
const FOLLOWS_ALL = typeof Deno !== "undefined";

/**
 * Follows the flows of a program: what is awaited, and what is started.
 *
 * A flow is entered where it declares its lease, never in `acquire()`. That runs
 * in the turn of its caller, and whatever the caller starts after it in the same
 * turn would be taken for the holder.
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

  /** Notes that the current flow holds a lease. */
  hold(lease: HeldLease): void {
    if (!this.#isPrepared) {
      this.prepare();
      if (!FOLLOWS_ALL) return;
    }
    if (this.#storage === undefined) return;
    const parent = current(this.#storage.getStore());
    if (holds(parent, lease)) return;
    this.#storage.enterWith({ lease, parent });
  }

  /** The leases of a pool that the current flow holds, the latest first. */
  heldOf(pool: object): readonly HeldLease[] {
    let holding = this.#storage?.getStore();
    if (holding === undefined) return NONE;
    const held: HeldLease[] = [];
    for (; holding !== undefined; holding = holding.parent) {
      const { lease } = holding;
      if (lease.pool === pool && !lease.hasEnded) held.push(lease);
    }
    return held;
  }
}

/**
 * The context of this process. One for all pools: where flows are followed by
 * hooks, each costs every promise something.
 */
export const callerContext = new CallerContext(createStorage);

/** The same without what has ended: a flow that lives long must not collect it. */
function current(holding: Holding | undefined): Holding | undefined {
  if (holding === undefined) return undefined;
  const parent = current(holding.parent);
  if (holding.lease.hasEnded) return parent;
  return parent === holding.parent ? holding : { ...holding, parent };
}

/** Whether a lease is among what is held. */
function holds(holding: Holding | undefined, lease: HeldLease): boolean {
  if (holding === undefined) return false;
  return holding.lease === lease || holds(holding.parent, lease);
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
    const nothing = {
      lease: { pool: {}, hasEnded: true, nestedWaiters: 0 },
      parent: undefined,
    };
    storage.run(nothing, () => storage.enterWith(nothing));
    return storage;
  } catch {
    return undefined;
  }
}
