/**
 * How the driver is made ready without a round trip.
 *
 * @module
 */

const EMPTY_QUERY = [0x51, 0, 0, 0, 5, 0];
const READY_FOR_QUERY = [0x5a, 0, 0, 0, 5, 0x49];

/** Whether these bytes are the driver's first statement: an empty query, made to prime it. */
export function isPriming(bytes: Uint8Array): boolean {
  return bytes.length === EMPTY_QUERY.length &&
    EMPTY_QUERY.every((byte, index) => bytes[index] === byte);
}

/** Turns that statement, in place, into the reply that it waits for. */
export function answerPriming(bytes: Uint8Array): void {
  bytes.set(READY_FOR_QUERY);
}
