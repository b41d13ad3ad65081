import { Slot } from "../../src/core/slot.ts";
import type { Connection } from "../../src/driver/connection.ts";
import { Member } from "../../src/shell/member.ts";
import { ConnectionBusyError } from "../../src/pool_errors.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

Deno.test("Member.leaveTransaction() of an earlier lease leaves that of this one", () => {
  const slot = new Slot<Member>(1, 0, 0);
  const connection = { transactionStatus: "idle", inFlight: 0 } as Connection;
  const member = new Member(connection, slot);
  const [earlier, later] = [{}, {}];
  member.enterTransaction(earlier);
  member.endLease();
  member.enterTransaction(later);
  member.leaveTransaction(earlier);
  assertThrows(() => member.enterTransaction({}), ConnectionBusyError);
  member.leaveTransaction(later);
  member.enterTransaction({});
});

Deno.test("Member.endLease() tells those in its scope that nobody holds it any more", () => {
  const slot = new Slot<Member>(1, 0, 0);
  const member = new Member({} as Connection, slot);
  member.endLease();
  const lease = { pool: {}, hasEnded: false, nestedWaiters: 0 };
  member.held = lease;
  member.endLease();
  assertEquals([lease.hasEnded, member.held], [true, undefined]);
});
