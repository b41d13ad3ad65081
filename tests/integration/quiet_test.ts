import { assertEquals } from "../support/assert.ts";
import { eventually } from "../support/eventually.ts";
import { poolTest, poolWorld } from "../support/pool_world.ts";
import { sharedPostgres } from "../support/postgres_server.ts";
import { runProgram } from "../support/program.ts";
import {
  uniqueApplicationName,
  waitForNoSessions,
} from "../support/server_view.ts";

const server = await sharedPostgres();

Deno.test("nothing of ours is ever on the console: notices, warnings, errors, losses, unknown messages", async () => {
  const applicationName = uniqueApplicationName();
  const program = new URL("programs/quiet.ts", import.meta.url);
  const args = [server.urlFor({ applicationName })];
  const end = await runProgram(program, { args });
  assertEquals(end, { code: 0, stdout: "", stderr: "" });
  await waitForNoSessions(server.url, applicationName);
});

poolTest("a notice without onnotice is an event", async (t) => {
  await using world = poolWorld(t, { max: 1 });
  const { pool } = world;
  const notices: string[] = [];
  const pids = new Set<number>();
  pool.addEventListener("notice", ({ pid, notice }) => {
    pids.add(pid);
    notices.push(`${notice.severity}: ${notice.message}`);
  });
  await pool`do $$ begin raise notice 'one'; raise warning 'two'; end $$`;
  await eventually("both came", () => notices.length === 2);
  assertEquals(notices, ["NOTICE: one", "WARNING: two"]);
  assertEquals([...pids], await world.pids());
});

poolTest("with onnotice a notice is a call, and no event", async (t) => {
  const called: unknown[] = [];
  await using world = poolWorld(t, {
    max: 1,
    onnotice: (notice) => called.push(notice.message),
  });
  const { pool } = world;
  pool.addEventListener("notice", () => called.push("an event"));
  await pool`do $$ begin raise notice 'one'; end $$`;
  assertEquals(called, ["one"]);
});
