/** What a server sends, message by message. */

const encoder = new TextEncoder();

/** One message: a letter, its length, its body. */
export function message(code: string, ...body: readonly (string | number[])[]) {
  const bytes = body.flatMap((part) =>
    typeof part === "string" ? [...encoder.encode(part)] : part
  );
  return Uint8Array.from([
    code.charCodeAt(0),
    ...int32(bytes.length + 4),
    ...bytes,
  ]);
}

/** A big-endian number. */
export function int32(value: number): number[] {
  return [value >>> 24, value >>> 16 & 255, value >>> 8 & 255, value & 255];
}

export function authentication(code: number, data = ""): Uint8Array {
  return message("R", int32(code), data);
}

export function backendKeyData(pid: number, secret: number): Uint8Array {
  return message("K", int32(pid), int32(secret));
}

export function parameterStatus(name: string, value: string): Uint8Array {
  return message("S", `${name}\0${value}\0`);
}

export function readyForQuery(status: "I" | "T" | "E" = "I"): Uint8Array {
  return message("Z", status);
}

export function commandComplete(tag: string): Uint8Array {
  return message("C", `${tag}\0`);
}

export function errorResponse(
  severity: string,
  code: string,
  text = "no",
): Uint8Array {
  return message("E", `S${severity}\0V${severity}\0C${code}\0M${text}\0\0`);
}

/** What a server says to a client that it trusts. */
export function greeting(pid = 42, secret = -7): Uint8Array {
  return joined(
    authentication(0),
    parameterStatus("server_version", "18.4"),
    parameterStatus("in_hot_standby", "off"),
    backendKeyData(pid, secret),
    readyForQuery(),
  );
}

/** All of them, one after the other. */
export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
