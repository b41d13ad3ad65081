/** Certificates made on the spot, so that no key lies in the repository and none expires there. */

/** A certificate and its key, as a server wants them. */
export interface Identity {
  readonly certPem: string;
  readonly keyPem: string;
}

/** What a certificate says. */
export interface CertificateOptions {
  /** Host names and IPv4 addresses that it is good for; `["127.0.0.1", "localhost"]` unless told. */
  readonly hosts?: readonly string[];
  /** When it ends; in a day unless told. */
  readonly expires?: Date;
}

const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const ECDSA_WITH_SHA256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const COMMON_NAME = [0x55, 0x04, 0x03];
const BASIC_CONSTRAINTS = [0x55, 0x1d, 0x13];
const SUBJECT_ALT_NAME = [0x55, 0x1d, 0x11];
const DAY_MS = 86_400_000;

/** Signs certificates; whoever trusts `certPem` trusts them. */
export class CertificateAuthority {
  readonly certPem: string;
  readonly #name: string;
  readonly #keys: CryptoKeyPair;

  private constructor(name: string, keys: CryptoKeyPair, certPem: string) {
    this.#name = name;
    this.#keys = keys;
    this.certPem = certPem;
  }

  /** Makes an authority that nobody trusts yet. */
  static async create(name = "Test authority"): Promise<CertificateAuthority> {
    const keys = await makeKeys();
    const isAuthority = sequence([0x01, 0x01, 0xff]);
    const certificate = await sign(keys.privateKey, {
      issuer: name,
      subject: name,
      key: keys.publicKey,
      expires: new Date(Date.now() + DAY_MS),
      extensions: [extension(BASIC_CONSTRAINTS, isAuthority)],
    });
    return new CertificateAuthority(
      name,
      keys,
      pem("CERTIFICATE", certificate),
    );
  }

  /** Makes a server's certificate and key. */
  async issue(options: CertificateOptions = {}): Promise<Identity> {
    const { hosts = ["127.0.0.1", "localhost"] } = options;
    const { expires = new Date(Date.now() + DAY_MS) } = options;
    const keys = await makeKeys();
    const alternatives = sequence(...hosts.map(alternativeName));
    const certificate = await sign(this.#keys.privateKey, {
      issuer: this.#name,
      subject: hosts[0] ?? "nobody",
      key: keys.publicKey,
      expires,
      extensions: [extension(SUBJECT_ALT_NAME, alternatives)],
    });
    const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
    return {
      certPem: pem("CERTIFICATE", certificate),
      keyPem: pem("PRIVATE KEY", new Uint8Array(key)),
    };
  }
}

interface Statement {
  readonly issuer: string;
  readonly subject: string;
  readonly key: CryptoKey;
  readonly expires: Date;
  readonly extensions: readonly Bytes[];
}

type Bytes = readonly number[] | Uint8Array;

async function makeKeys(): Promise<CryptoKeyPair> {
  return await crypto.subtle.generateKey(ECDSA, true, ["sign", "verify"]);
}

async function sign(key: CryptoKey, says: Statement): Promise<Uint8Array> {
  const publicKey = await crypto.subtle.exportKey("spki", says.key);
  const algorithm = sequence(element(0x06, ECDSA_WITH_SHA256));
  const body = Uint8Array.from(sequence(
    element(0xa0, element(0x02, [2])), // version 3
    element(0x02, [0x01, ...crypto.getRandomValues(new Uint8Array(8))]),
    algorithm,
    distinguishedName(says.issuer),
    sequence(time(new Date(Date.now() - 2 * DAY_MS)), time(says.expires)),
    distinguishedName(says.subject),
    new Uint8Array(publicKey),
    element(0xa3, sequence(...says.extensions)),
  ));
  const raw = new Uint8Array(await crypto.subtle.sign(ECDSA, key, body));
  const signature = sequence(
    positiveInteger(raw.subarray(0, 32)),
    positiveInteger(raw.subarray(32)),
  );
  return Uint8Array.from(
    sequence(body, algorithm, element(0x03, [0], signature)),
  );
}

function distinguishedName(name: string): Bytes {
  const text = element(0x0c, new TextEncoder().encode(name));
  return sequence(element(0x31, sequence(element(0x06, COMMON_NAME), text)));
}

function extension(id: Bytes, value: Bytes): Bytes {
  return sequence(element(0x06, id), element(0x04, value));
}

function alternativeName(host: string): Bytes {
  const isAddress = /^\d+(\.\d+){3}$/.test(host);
  if (isAddress) return element(0x87, host.split(".").map(Number));
  return element(0x82, new TextEncoder().encode(host));
}

function time(date: Date): Bytes {
  const text = date.toISOString().replace(/[-:T]|\.\d+/g, "").slice(2);
  return element(0x17, new TextEncoder().encode(text));
}

/** Without leading zeros, but with one where the value would look negative. */
function positiveInteger(bytes: Uint8Array): Bytes {
  const first = bytes.findIndex((byte) => byte !== 0);
  const value = bytes.subarray(first);
  return element(0x02, (value[0] ?? 0) > 0x7f ? [0] : [], value);
}

function sequence(...parts: readonly Bytes[]): Bytes {
  return element(0x30, ...parts);
}

function element(tag: number, ...parts: readonly Bytes[]): Bytes {
  const content = parts.flatMap((part) => [...part]);
  return [tag, ...lengthOf(content), ...content];
}

function lengthOf(content: Bytes): Bytes {
  const { length } = content;
  if (length < 0x80) return [length];
  if (length < 0x100) return [0x81, length];
  return [0x82, length >> 8, length & 0xff];
}

function pem(label: string, bytes: Uint8Array): string {
  const lines = btoa(String.fromCharCode(...bytes)).match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""]
    .join("\n");
}
