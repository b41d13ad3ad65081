/**
 * Lists of servers, as they are written: `h1:5432,[::1]:5433,/var/run`.
 *
 * @module
 */

import type { Endpoint } from "../transport/transport.ts";
import { refusal } from "./option_check.ts";

/** A host as it was written, with its own port if it had one. */
export interface Host {
  /** A name, an address without brackets, or the folder of a Unix socket. */
  readonly host: string;
  /** Its own port. */
  readonly port?: number;
}

/** Where servers are, as far as it was said. */
interface WrittenServers {
  /** The full path of a Unix socket; beats the hosts. */
  readonly path?: string | undefined;
  /** The hosts, in order. */
  readonly host?: readonly Host[] | undefined;
  /** One port for every host, or one for each. */
  readonly port?: readonly number[] | undefined;
}

const DEFAULT_HOST = "localhost";
const DEFAULT_PORT = 5432;

/** Reads hosts separated by commas; `undefined` if one is malformed. */
export function parseHosts(text: string): readonly Host[] | undefined {
  const hosts: Host[] = [];
  for (const item of text.split(",")) {
    const host = parseHost(item.trim());
    if (host === undefined) return undefined;
    hosts.push(host);
  }
  return hosts;
}

/** Whether `port` can be connected to. */
export function isPort(port: unknown): port is number {
  if (typeof port !== "number") return false;
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

/**
 * The addresses to try, in order; `localhost:5432` if nothing was said.
 *
 * @throws {TypeError} If there is neither one port nor one for each host.
 */
export function resolveEndpoints(
  { path, host, port = [DEFAULT_PORT] }: WrittenServers,
): readonly Endpoint[] {
  if (path !== undefined) return Object.freeze([socketAt(path, port[0]!)]);
  const hosts = host ?? [{ host: DEFAULT_HOST }];
  if (port.length !== 1 && port.length !== hosts.length) {
    throw refusal(
      "create the pool",
      `${port.length} ports are given for ${hosts.length} hosts: pass one ` +
        "port, or one for each host",
    );
  }
  return Object.freeze(hosts.map((each, index) =>
    endpointOf(
      each.host,
      each.port ?? port[port.length === 1 ? 0 : index]!,
    )
  ));
}

function parseHost(text: string): Host | undefined {
  if (text.startsWith("/") || isBareIpv6(text)) return { host: text };
  const parts = /^(?:\[([\da-f:.%\w]+)\]|([^:[\]\s\0]+))(?::(\d+))?$/i.exec(
    text,
  );
  if (parts === null) return undefined;
  const host = (parts[1] ?? parts[2])!;
  if (parts[3] === undefined) return { host };
  const port = Number(parts[3]);
  return isPort(port) ? { host, port } : undefined;
}

// Strict, so that what is left of a badly escaped password is not a host.
function isBareIpv6(text: string): boolean {
  return /^[\da-f]*:[\da-f:]*:[\da-f:.]*(?:%\w+)?$/i.test(text);
}

function endpointOf(host: string, port: number): Endpoint {
  return Object.freeze(
    host.startsWith("/")
      ? { host, port, path: `${host}/.s.PGSQL.${port}` }
      : { host, port },
  );
}

function socketAt(path: string, port: number): Endpoint {
  const folder = path.slice(0, path.lastIndexOf("/")) || "/";
  return Object.freeze({ host: folder, port, path });
}
