/** What a fault proxy can do, by the names that Toxiproxy gave them. */
import type { FaultDirection, FaultPoint } from "./fault_stream.ts";

/** What is done to a connection, or to all. */
export type Toxic =
  /** Nothing: the control. */
  | { readonly kind: "noop" }
  /** Each byte arrives so much later. */
  | { readonly kind: "latency"; readonly latencyMs: number }
  | { readonly kind: "bandwidth"; readonly bytesPerMs: number }
  /** The end of a connection is passed on so much later. */
  | { readonly kind: "slow_close"; readonly delayMs: number }
  /** Drops all data, then closes; 0: closes when it is removed. */
  | { readonly kind: "timeout"; readonly timeoutMs: number }
  /** RST. */
  | { readonly kind: "reset_peer" }
  /** So many bytes at a time, each slice in a turn of its own. */
  | { readonly kind: "slicer"; readonly size: number }
  /** Closes behind so many more bytes. */
  | { readonly kind: "limit_data"; readonly bytes: number }
  /** Cuts all connections, and refuses new ones until it is removed. */
  | { readonly kind: "down" }
  /** FIN in one direction; the other still flows. */
  | { readonly kind: "half_close" }
  /** Bytes that nobody said. */
  | { readonly kind: "garbage"; readonly bytes?: Uint8Array }
  /** The message at the point, or what is left of it there, comes twice. */
  | { readonly kind: "duplicate" }
  /** Down and up in turns, beginning with down. */
  | {
    readonly kind: "flapping";
    readonly downMs: number;
    readonly upMs: number;
  };

/** The name of a toxic. */
export type ToxicKind = Toxic["kind"];

/** Where a toxic strikes, and how often. */
export interface FaultPlace {
  /** What is affected; the direction of `at` unless told, else `down`. */
  readonly direction?: FaultDirection | "both";
  /** When; at once, and on new connections at their start, unless told. */
  readonly at?: FaultPoint;
  /** How many connections it strikes; all unless told. */
  readonly times?: number;
}
