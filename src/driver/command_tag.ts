/**
 * What the end of a command says of it.
 *
 * @module
 */

const decoder = new TextDecoder();

// Commands that leave something behind in the session.
const LASTING_COMMANDS =
  /^(SET|RESET|LISTEN|UNLISTEN|PREPARE|DEALLOCATE|LOAD|DISCARD|DECLARE CURSOR|DO|CALL)/;

const FORGETTING_COMMANDS = /^(DISCARD|DEALLOCATE) ALL/;

/** Whether a command leaves something behind in its session. */
export function leavesState(tag: string): boolean {
  return LASTING_COMMANDS.test(tag);
}

/** Whether a session has fewer prepared statements after a command. */
export function forgetsPlans(tag: string): boolean {
  return FORGETTING_COMMANDS.test(tag);
}

/** The tag that lies there, unless it is that of a command which does neither. */
export function readTag(
  bytes: Uint8Array,
  start: number,
  end: number,
): string | undefined {
  // The hot commands start with letters that no lasting one has, or are told
  // by their second letter; only the rest is decoded.
  const first = bytes[start];
  const isHot = first === 0x49 || // INSERT
    first === 0x55 && bytes[start + 1] === 0x50 || // UPDATE
    first === 0x53 && end - start > 7 && bytes[start + 6] === 0x20 &&
      bytes[start + 7]! < 0x40; // SELECT n
  return isHot ? undefined : decoder.decode(bytes.subarray(start, end));
}
