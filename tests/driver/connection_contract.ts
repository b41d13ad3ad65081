/**
 * What every connection promises its pool, whoever makes it: a fake stands for
 * the driver in the simulation, so it is held to the same.
 */
import type {
  Connection,
  Driver,
  Loss,
  Statement,
} from "../../src/driver/connection.ts";
import { ConnectionLostError } from "../../src/pool_errors.ts";
import type { StatementMaker } from "../../src/statement_maker.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
} from "../support/assert.ts";
import { nextTurn } from "../support/eventually.ts";

/** A driver, and a server that answers. */
export interface ContractWorld {
  readonly driver: Driver;
  readonly unsafe: StatementMaker["unsafe"];
  /** Ends a session on its server. */
  kill(connection: Connection): Promise<unknown>;
}

const SLOW = "select pg_sleep(30)";

/** One connection, and all that it told. */
class Watched {
  readonly connection: Connection;
  readonly #unsafe: StatementMaker["unsafe"];
  readonly told: string[] = [];
  readonly lost: Promise<Loss>;
  unfinished: readonly Statement[] | undefined;

  constructor(connection: Connection, unsafe: StatementMaker["unsafe"]) {
    this.connection = connection;
    this.#unsafe = unsafe;
    this.lost = new Promise((resolve) => {
      connection.listener = {
        onFinished: (count) => {
          this.told.push(`finished ${count}, ${connection.inFlight} left`);
        },
        onLost: (loss, unfinished) => {
          this.told.push("lost");
          this.unfinished = unfinished;
          resolve(loss);
        },
        onNotice: () => {},
      };
    });
  }

  /** Runs a query; answers its outcome, in words, and its statement. */
  async run(text: string, prepare?: (statement: Statement) => void) {
    let statement: Statement | undefined;
    const query = this.#unsafe({
      run: (its) => {
        statement = its;
        its.onEnd = () => this.told.push(`end of ${text}`);
        prepare?.(its);
        this.connection.run(its);
      },
      cancel: () => {},
    }, [text]) as PromiseLike<unknown>;
    const outcome = query.then(() => "ok", ({ code }) => String(code));
    // A query that is awaited begins in a microtask of its own.
    for (let left = 5; left > 0 && statement === undefined; left--) {
      await undefined;
    }
    assert(statement !== undefined);
    return { statement: statement as Statement, outcome };
  }
}

/** Registers the tests; `open` makes the world of one. */
export function testConnectionContract(
  kind: string,
  open: () => ContractWorld,
): void {
  function promise(
    name: string,
    body: (watched: Watched, world: ContractWorld) => Promise<void>,
  ): void {
    Deno.test(`${kind}: ${name}`, async () => {
      const world = open();
      const { signal } = new AbortController();
      const connection = await world.driver.dial({ attempt: 0, signal });
      const watched = new Watched(connection, world.unsafe);
      try {
        await body(watched, world);
      } finally {
        await connection.close();
        await nextTurn();
      }
    });
  }

  promise("a new connection is idle, clean and has a pid", async (watched) => {
    const { connection } = watched;
    const { transactionStatus, inFlight, isLost, isTouched } = connection;
    assertEquals(transactionStatus, "idle");
    assertEquals([inFlight, isLost, isTouched], [0, false, false]);
    assert(connection.pid > 0);
    await connection.quiesce();
  });

  promise(
    "an end is told to its statement, then to the pool",
    async (watched) => {
      const { outcome } = await watched.run("select 1");
      assertEquals(watched.connection.inFlight, 1);
      assertEquals(await outcome, "ok");
      await watched.connection.quiesce();
      assertEquals(watched.told, ["end of select 1", "finished 1, 0 left"]);
    },
  );

  promise(
    "statements end in the order in which they were run",
    async (watched) => {
      const texts = ["select 1", "select 2", "select 3"];
      const runs = await Promise.all(texts.map((text) => watched.run(text)));
      assertEquals(watched.connection.inFlight, 3);
      await Promise.all(runs.map(({ outcome }) => outcome));
      await watched.connection.quiesce();
      const ends = watched.told.filter((told) => told.startsWith("end"));
      assertEquals(ends, texts.map((text) => `end of ${text}`));
    },
  );

  promise("a server's error keeps the connection", async (watched) => {
    assertEquals(await (await watched.run("select 1/0")).outcome, "22012");
    assertEquals(await (await watched.run("select 1")).outcome, "ok");
    assertEquals(watched.connection.isDamaged, false);
  });

  promise(
    "the transaction status is known once a command resolves",
    async (watched) => {
      const { connection } = watched;
      await connection.command("begin");
      assertEquals(connection.transactionStatus, "open");
      assertEquals(await (await watched.run("select 1/0")).outcome, "22012");
      await connection.quiesce();
      assertEquals(connection.transactionStatus, "failed");
      assertEquals(await (await watched.run("select 1")).outcome, "25P02");
      const { command } = await connection.command("commit") as {
        command: string;
      };
      assertEquals([command, connection.transactionStatus], [
        "ROLLBACK",
        "idle",
      ]);
    },
  );

  promise(
    "a changed setting is seen, until it is said to be clean",
    async (watched) => {
      const { connection } = watched;
      await connection.command("set application_name = 'changed'");
      assertEquals(connection.isTouched, true);
      connection.markClean();
      assertEquals(connection.isTouched, false);
    },
  );

  promise("destroy() is told in the same turn, once", async (watched) => {
    const { connection, told } = watched;
    const { statement } = await watched.run(SLOW);
    connection.destroy();
    connection.destroy();
    assertEquals([connection.isLost, told], [true, ["lost"]]);
    // It is the pool's to fail, or to run elsewhere.
    assertStrictEquals(watched.unfinished![0], statement);
    statement.fail(Object.assign(new Error("Failed"), { code: "GONE" }));
    await assertRejects(() => connection.quiesce());
  });

  promise("a session that the server ends says why", async (watched, world) => {
    const { connection } = watched;
    await world.kill(connection);
    assertEquals((await watched.lost).sqlState, "57P01");
    assertEquals(connection.loss?.sqlState, "57P01");
  });

  promise(
    "a command on a lost connection was not sent",
    async ({ connection }) => {
      connection.destroy();
      const command = () => connection.command("select 1");
      const error = await assertRejects(command, ConnectionLostError);
      assertEquals(error.sent, false);
    },
  );

  promise("a command that is lost on its way may have run", async (watched) => {
    const { connection } = watched;
    const command = connection.command(SLOW);
    const rejected = assertRejects(() => command, ConnectionLostError);
    const { statement } = await watched.run("select 1");
    while (!statement.isSent) await nextTurn();
    connection.destroy();
    statement.fail(new Error("Failed"));
    assertEquals((await rejected).sent, true);
    assertEquals(watched.unfinished, [statement]);
  });

  promise(
    "cancel() ends what runs, and keeps the connection",
    async (watched) => {
      const { connection } = watched;
      let isDone = false;
      const { outcome } = await watched.run(SLOW);
      const ended = outcome.then((code) => {
        isDone = true;
        return code;
      });
      while (!isDone) {
        const cancelled = connection.cancel();
        assertEquals(connection.isCancelling, true);
        await cancelled;
        assertEquals(connection.isCancelling, false);
        await nextTurn();
      }
      assertEquals(await ended, "57014");
      assertEquals(await (await watched.run("select 1")).outcome, "ok");
    },
  );

  promise(
    "an abandoned statement is under way until it ends",
    async (watched) => {
      const { connection } = watched;
      const { statement, outcome } = await watched.run("select 1");
      assertEquals(connection.underWay.isAbandoned, false);
      statement.abandon(Object.assign(new Error("Left"), { code: "LEFT" }));
      assertEquals(connection.underWay.isAbandoned, true);
      assertEquals([await outcome, statement.isAbandoned], ["LEFT", true]);
      await connection.quiesce();
      assertEquals(watched.told.at(-1), "finished 1, 0 left");
    },
  );

  promise(
    "nothing is sent behind what nobody awaits any more, until it was cancelled",
    async (watched) => {
      const { connection } = watched;
      const first = await watched.run(SLOW);
      while (!first.statement.isSent) await nextTurn();
      first.statement.abandon(new Error("Left"));
      const second = await watched.run("select 1");
      for (let turn = 0; turn < 5; turn++) await nextTurn();
      assertEquals([second.statement.isSent, connection.underWay.mayCancel], [
        false,
        true,
      ]);
      // A request that comes before the statement ends nothing.
      while (connection.underWay.mayCancel) {
        await connection.cancel();
        await nextTurn();
      }
      assertEquals(await second.outcome, "ok");
    },
  );

  promise(
    "nothing is sent behind a barrier, and may run elsewhere",
    async (watched) => {
      const { connection } = watched;
      const first = await watched.run(
        SLOW,
        (statement) => statement.isBarrier = true,
      );
      const second = await watched.run("select 1");
      while (!first.statement.isSent) {
        await nextTurn();
      }
      assertEquals(second.statement.isSent, false);
      connection.destroy();
      assertEquals(watched.unfinished, [first.statement, second.statement]);
      first.statement.fail(new Error("Failed"));
      second.statement.fail(new Error("Failed"));
    },
  );

  promise(
    "one that is abandoned behind a barrier is never sent",
    async (watched) => {
      await watched.run("select 1", (statement) => statement.isBarrier = true);
      const { statement, outcome } = await watched.run("select 2");
      statement.abandon(Object.assign(new Error("Left"), { code: "LEFT" }));
      assertEquals(await outcome, "LEFT");
      await watched.connection.quiesce();
      while (watched.told.length < 4) await nextTurn();
      assertEquals([statement.isSent, watched.told.length], [false, 4]);
    },
  );

  promise(
    "close() resolves when the session is gone, and was told",
    async (watched) => {
      const { connection } = watched;
      await Promise.all([connection.close(), connection.close()]);
      assertEquals([connection.isLost, watched.told], [true, ["lost"]]);
      await connection.close();
    },
  );

  Deno.test(`${kind}: a dial that is given up rejects with the reason`, async () => {
    const { driver } = open();
    const signal = AbortSignal.abort(new Error("Given up"));
    const dial = () => driver.dial({ attempt: 0, signal });
    await assertRejects(dial, Error, "Given up");
  });
}
