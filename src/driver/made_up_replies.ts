/**
 * Replies that no server sent, by which the driver is kept in order.
 *
 * @module
 */

const PARSE = 0x50;
const SELECT_0 = [0x43, 0, 0, 0, 13, 83, 69, 76, 69, 67, 84, 32, 48, 0];
const EMPTY_QUERY = [0x51, 0, 0, 0, 5, 0];
const READY_FOR_QUERY = [0x5a, 0, 0, 0, 5, 0x49];
const COMMAND_COMPLETE = [0x43, 0, 0, 0, 5, 0];

/** Whether these bytes are the driver's first statement: an empty query, made to prime it. */
export function isPriming(bytes: Uint8Array): boolean {
  return bytes.length === EMPTY_QUERY.length &&
    EMPTY_QUERY.every((byte, index) => bytes[index] === byte);
}

/**
 * Whether these are of a statement that is to be parsed: before the driver is
 * primed, it has none but that which looks up the array types.
 */
export function isLookUp(bytes: Uint8Array): boolean {
  return bytes[0] === PARSE;
}

/** Turns it, in place, into the answer that there are none: they are known to its pool. */
export function answerLookUp(bytes: Uint8Array): Uint8Array {
  bytes.set([...SELECT_0, ...READY_FOR_QUERY]);
  return bytes.subarray(0, SELECT_0.length + READY_FOR_QUERY.length);
}

/**
 * Turns that statement, in place, into the reply that it waits for: so the
 * driver is ready without a round trip.
 */
export function answerPriming(bytes: Uint8Array): void {
  bytes.set(READY_FOR_QUERY);
}

/**
 * Turns it into the end of a command: so the driver forgets the rows of one
 * that failed half-way. Otherwise those of the next would be put behind as many
 * holes, whoever asked for them. And a cursor over an empty text has no other
 * end, without which the driver does not send its `Sync`.
 */
export function endCommand(bytes: Uint8Array): void {
  bytes.set(COMMAND_COMPLETE);
}
