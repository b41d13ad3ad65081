/** A fake driver whose server answers by itself. */
import { setImmediate } from "node:timers";
import type { Connection, DialOptions } from "../../src/driver/connection.ts";
import { FakeDriver } from "./fake_driver.ts";
import type { FakeSession } from "./fake_session.ts";

/** Dials succeed at once; statements are answered in a later turn, but for those that sleep. */
export class AnsweringDriver extends FakeDriver {
  constructor() {
    super({
      onSent: (session) => setImmediate(() => serve(session)),
      onCancel: (session) =>
        setImmediate(() => {
          session.endCancel("hits");
          serve(session);
        }),
      onTerminate: (session) => setImmediate(() => session.destroy()),
    });
  }

  override dial(options: DialOptions): Promise<Connection> {
    const dialled = super.dial(options);
    for (const dial of this.dials) dial.open();
    return dialled;
  }
}

function serve(session: FakeSession): void {
  for (;;) {
    const head = session.line[0];
    if (head === undefined || head.text.includes("pg_sleep")) return;
    const answer = head.text.includes("1/0") ? "sqlError" : "ok";
    if (session.answer(answer) === 0) return;
  }
}
