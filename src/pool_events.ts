/**
 * What a pool tells whoever watches it.
 *
 * @module
 */

import type { CloseReason } from "./core/effect.ts";
import type { NestedAcquire } from "./nested_acquire.ts";
import { callObserver } from "./observer.ts";
import type { ConnectError } from "./pool_errors.ts";

/** The hooks of a pool. */
export type HookName = "onConnect" | "onAcquire" | "onRelease" | "reset";

/** The events of a pool, by type; each is plain data, told after the fact. */
export interface PoolEventMap {
  /** A connection was opened. */
  readonly open: {
    readonly type: "open";
    readonly pid: number;
    readonly dialMs: number;
  };
  /** A dial failed. */
  readonly openerror: {
    readonly type: "openerror";
    readonly error: ConnectError | Error;
  };
  /** The pool closes a connection. */
  readonly close: {
    readonly type: "close";
    readonly pid: number;
    readonly reason: CloseReason;
  };
  /** A connection died without our doing. */
  readonly lost: {
    readonly type: "lost";
    readonly pid: number;
    readonly sqlState: string | undefined;
    readonly cause: unknown;
  };
  /** A lease was granted. */
  readonly acquire: {
    readonly type: "acquire";
    readonly pid: number;
    readonly waitedMs: number;
  };
  /** A lease ended. */
  readonly release: {
    readonly type: "release";
    readonly pid: number;
    readonly heldMs: number;
  };
  /** A lease is held for longer than `leakWarningMs`; told once. */
  readonly leakwarning: {
    readonly type: "leakwarning";
    readonly pid: number;
    readonly heldMs: number;
    /** Where it was acquired. */
    readonly acquiredAt: string | undefined;
  };
  /** A lease was collected without being released; its connection was taken back. */
  readonly leak: {
    readonly type: "leak";
    readonly pid: number;
    readonly heldMs: number;
    /** Where it was acquired, when the pool has a `leakWarningMs` or `debug`. */
    readonly acquiredAt: string | undefined;
  };
  /**
   * Every connection is leased, and each of those who hold them waits for
   * another one; told once, and again when it is so anew.
   */
  readonly nestedacquire: NestedAcquire & { readonly type: "nestedacquire" };
  /** A caller was turned away. */
  readonly acquireerror: {
    readonly type: "acquireerror";
    readonly error: Error;
  };
  /** A server sent a notice and there is no `onnotice`. */
  readonly notice: {
    readonly type: "notice";
    readonly pid: number;
    readonly notice: Readonly<Record<string, string>>;
  };
  /** A hook, or the reset of a session, failed; it cost the connection. */
  readonly hookerror: {
    readonly type: "hookerror";
    readonly hook: HookName;
    readonly error: unknown;
  };
  /** A listener of another event threw, or `onnotice` or `onparameter` did. */
  readonly listenererror: {
    readonly type: "listenererror";
    readonly eventType: PoolEventType | "onnotice" | "onparameter";
    readonly error: unknown;
  };
  /** The pool is closed and holds nothing any more. */
  readonly closed: { readonly type: "closed" };
}

/** The types of a pool's events. */
export type PoolEventType = keyof PoolEventMap;

/** An event of a pool. */
export type PoolEvent = PoolEventMap[PoolEventType];

/** Is told of events; what it throws changes nothing. */
export type PoolEventListener<Type extends PoolEventType> = (
  event: PoolEventMap[Type],
) => void;

const EVENT_TYPES: ReadonlySet<string> = new Set<PoolEventType>([
  "open",
  "openerror",
  "close",
  "lost",
  "acquire",
  "release",
  "leakwarning",
  "leak",
  "nestedacquire",
  "acquireerror",
  "notice",
  "hookerror",
  "listenererror",
  "closed",
]);

type AnyListener = (event: PoolEvent) => unknown;

/** Tells listeners, once the pool has done what the events are about. */
export class PoolEvents {
  readonly #listeners = new Map<PoolEventType, Set<AnyListener>>();
  #pending: PoolEvent[] = [];

  /** Adds a listener; the same one for the same type only once. */
  add(type: PoolEventType, listener: AnyListener): void {
    checkListener(type, listener);
    const listeners = this.#listeners.get(type);
    if (listeners === undefined) this.#listeners.set(type, new Set([listener]));
    else listeners.add(listener);
  }

  /** Removes a listener. */
  remove(type: PoolEventType, listener: AnyListener): void {
    this.#listeners.get(type)?.delete(listener);
  }

  /** Whether anybody would be told; spare the event otherwise. */
  has(type: PoolEventType): boolean {
    // Asked at each lease, of a pool that mostly nobody listens to.
    if (this.#listeners.size === 0) return false;
    const listeners = this.#listeners.get(type);
    return listeners !== undefined && listeners.size > 0;
  }

  /** Notes an event, for the next `flush`. */
  push(event: PoolEvent): void {
    if (this.has(event.type)) this.#pending.push(event);
  }

  /** Tells a server's notice to `onnotice`, or to listeners where there is none. */
  tellNotice(
    pid: number,
    notice: Record<string, string>,
    onnotice: ((notice: Record<string, string>) => unknown) | undefined,
  ): void {
    if (onnotice === undefined) this.push({ type: "notice", pid, notice });
    else {
      callObserver(() => onnotice(notice), (error) => {
        this.tellFault("onnotice", error);
      });
    }
    this.flush();
  }

  /** Tells what an observer threw that is no listener. */
  tellFault(eventType: "onnotice" | "onparameter", error: unknown): void {
    this.push({ type: "listenererror", eventType, error });
    this.flush();
  }

  /** Tells what was noted. A listener may use the pool: what that causes is told last. */
  flush(): void {
    if (this.#pending.length === 0) return;
    const events = this.#pending;
    this.#pending = [];
    for (const event of events) this.#tell(event);
  }

  #tell(event: PoolEvent): void {
    for (const listener of [...this.#listeners.get(event.type) ?? []]) {
      callObserver(() => listener(Object.freeze(event)), (error) => {
        // A listener of this event that throws as well is not told of itself.
        if (event.type === "listenererror") return;
        this.#tell({ type: "listenererror", eventType: event.type, error });
      });
    }
  }
}

function checkListener(type: string, listener: unknown): void {
  if (!EVENT_TYPES.has(type)) {
    throw new TypeError(
      `Cannot listen: a pool has no event ${JSON.stringify(type)}`,
    );
  }
  if (typeof listener !== "function") {
    throw new TypeError(
      `Cannot listen to ${type}: the listener is a ${typeof listener}, not a function`,
    );
  }
}
