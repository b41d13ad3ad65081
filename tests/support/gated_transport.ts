/** A transport whose dials wait until they are let through, or made to fail. */
import type { Endpoint, SocketFactory, WinterSocket } from "../../mod.ts";

/** One dial that waits. */
export interface GatedDial {
  /** Lets it connect. */
  open(): void;
  /** Makes it fail. */
  fail(error: Error): void;
}

/** Dials that are held: cancel requests, which dial too, are not told apart. */
export class GatedTransport {
  /** The dials that wait, oldest first. */
  readonly waiting: GatedDial[] = [];
  /** How many dials began. */
  begun = 0;
  /** Whether dials are let through at once. */
  isOpen = false;

  /** To be given to the pool as its `transport`. */
  readonly connect: SocketFactory = async (
    endpoint: Endpoint,
  ): Promise<WinterSocket> => {
    this.begun++;
    if (!this.isOpen) await this.#wait();
    const { host, port } = endpoint;
    const socket = await Deno.connect({ hostname: host, port });
    socket.setNoDelay(true);
    return fromDeno(socket);
  };

  /** Lets through whatever waits and will come. */
  openAll(): void {
    this.isOpen = true;
    for (const dial of this.waiting.splice(0)) dial.open();
  }

  /** Lets the oldest dial through. */
  openNext(): void {
    this.waiting.shift()!.open();
  }

  #wait(): Promise<void> {
    return new Promise((open, fail) => this.waiting.push({ open, fail }));
  }
}

/** Deno's socket in the shape of WinterTC's. */
export function fromDeno(socket: Deno.TcpConn): WinterSocket {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  return {
    readable: socket.readable,
    writable: socket.writable,
    closed,
    close() {
      resolve();
      try {
        socket.close();
      } catch {
        // Its streams have closed it.
      }
    },
  };
}
