/**
 * A lease whose caller is not known.
 *
 * @module
 */

import { Lease } from "./lease.ts";

/** A lease that was had at once: who has it is not told from who else runs in that turn. */
export class AnonymousLease extends Lease {
  override claim(): void {}
}
