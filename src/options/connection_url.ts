/**
 * Connection URLs, as libpq and the driver write them.
 *
 * No error of this file shows any part of a URL: one with an unescaped
 * character in its password does not fall apart where its author thinks.
 *
 * @module
 */

import { type Host, parseHosts } from "./host_list.ts";
import { refusal } from "./option_check.ts";

/** What a URL says, by option name. */
export interface ConnectionUrl {
  /** User, password, hosts and database, from before the `?`. */
  readonly authority: UrlAuthority;
  /** Parameters that are options; texts, under the names they came by. */
  readonly options: Readonly<Record<string, string>>;
  /** All other parameters: for the server, when a session starts. */
  readonly connection: Readonly<Record<string, string>>;
}

/** What stands before the `?` of a URL. */
interface UrlAuthority {
  readonly username?: string;
  readonly password?: string;
  readonly host?: readonly Host[];
  readonly port?: readonly number[];
  readonly database?: string;
}

// What only a client acts on, and what it asks for is so anyway.
const IGNORED = new Set(["sslrootcert", "channel_binding"]);

const UNSUPPORTED = new Map([
  ["sslrootcert", "pass the certificate's text in ssl: { ca }"],
  ["sslcert", "pass the certificate's text in ssl: { cert }"],
  ["sslkey", "pass the key's text in ssl: { key }"],
  ["channel_binding", "channels are not bound here, so leave it out"],
]);

const WRONG_SCHEME = "the URL must begin with postgres:// or postgresql://";

const MALFORMED = "the URL is malformed: a port is a number up to 65535, and " +
  "in a user name or password write %40 for @, %2F for /, %23 for #, %3F for ?, " +
  "%25 for %";

const SCHEME = /^postgres(?:ql)?:\/\//i;

const SHAPE =
  /^postgres(?:ql)?:\/\/(?:([^/?#]*)@)?([^/?#@]*)(?:\/([^?#@]*))?(?:\?([^#]*))?$/i;

/**
 * Takes a URL apart.
 *
 * @param isOption Whether a parameter of that name is an option.
 * @throws {TypeError} If it is malformed or asks for what cannot be done.
 */
export function parseConnectionUrl(
  url: string,
  isOption: (name: string) => boolean,
): ConnectionUrl {
  const text = url.trim();
  if (!SCHEME.test(text)) throw refused(WRONG_SCHEME);
  const parts = SHAPE.exec(text);
  if (parts === null) throw refused(MALFORMED);
  const [, user = "", hosts = "", database = "", query = ""] = parts;
  return {
    authority: {
      ...parseUser(user),
      ...parseServers(hosts),
      ...present("database", decode(database)),
    },
    ...parseQuery(query, isOption),
  };
}

function parseUser(text: string): UrlAuthority {
  const colon = text.indexOf(":");
  const end = colon === -1 ? text.length : colon;
  return {
    ...present("username", decode(text.slice(0, end))),
    ...present("password", decode(text.slice(end + 1))),
  };
}

// The port of a single host stands alone, so that a `host` option keeps it.
function parseServers(text: string): UrlAuthority {
  const onlyPort = /^:(\d+)$/.test(text);
  const hosts = parseHosts(onlyPort ? `localhost${text}` : text || "localhost");
  if (hosts === undefined) throw refused(MALFORMED);
  const decoded = hosts.map((each) => ({ ...each, host: decode(each.host) }));
  if (hosts.length > 1) return { host: decoded };
  const [{ host, port }] = decoded as [Host];
  return {
    ...(text === "" || onlyPort ? {} : { host: [{ host }] }),
    ...(port === undefined ? {} : { port: [port] }),
  };
}

function parseQuery(
  query: string,
  isOption: (name: string) => boolean,
): Pick<ConnectionUrl, "options" | "connection"> {
  const parameters = new URLSearchParams(query);
  const options = new Map<string, string>();
  const connection = new Map<string, string>();
  for (const [name, text] of parameters) {
    checkParameter(name, text);
    if (IGNORED.has(name)) continue;
    const named = isOption(name) ? options : connection;
    if (named.has(name)) throw givenTwice(name, query);
    named.set(name, text);
  }
  // The system's certificates identify anybody unless the name is verified.
  if (parameters.has("sslrootcert")) {
    options.set(options.has("sslmode") ? "sslmode" : "ssl", "verify-full");
  }
  return {
    options: Object.fromEntries(options),
    connection: Object.fromEntries(connection),
  };
}

function checkParameter(name: string, text: string): void {
  // A name of other signs is the rest of a password with an unescaped "?".
  if (!/^[\w.]+$/.test(name) || text.includes("\0")) throw refused(MALFORMED);
  if (name === "sslrootcert" && text === "system") return;
  if (name === "channel_binding" && text !== "require") return;
  const advice = UNSUPPORTED.get(name);
  if (advice === undefined) return;
  throw refused(`the URL parameter "${name}" is not supported: ${advice}`);
}

// Where there is an "@" the name may be from a password with an unescaped "?".
function givenTwice(name: string, query: string): TypeError {
  if (query.includes("@")) return refused(MALFORMED);
  return refused(`the URL has two parameters for "${name}"`);
}

function present<Name extends string>(
  name: Name,
  text: string,
): { readonly [K in Name]?: string } {
  return text === "" ? {} : { [name]: text } as { [K in Name]: string };
}

function decode(text: string): string {
  try {
    const decoded = decodeURIComponent(text);
    if (!decoded.includes("\0")) return decoded;
  } catch {
    // Falls through: its message would show the text.
  }
  throw refused(MALFORMED);
}

function refused(why: string): TypeError {
  return refusal("create the pool", why);
}
