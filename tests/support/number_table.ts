/** A table of numbers: what a transaction left is what is in it. */
import type { PoolWorld } from "./pool_world.ts";

/** A table of the server, dropped at the end. */
export interface NumberTable extends AsyncDisposable {
  readonly name: string;
  /** What was committed, in order. */
  rows(): Promise<number[]>;
}

/** Makes one, with these in it. */
export async function makeTable(
  { admin }: PoolWorld,
  ...numbers: readonly number[]
): Promise<NumberTable> {
  const name = `t${crypto.randomUUID().replaceAll("-", "")}`;
  await admin.unsafe(`create table ${name} (a int)`);
  for (const number of numbers) {
    await admin.unsafe(`insert into ${name} values (${number})`);
  }
  return {
    name,
    async rows() {
      const rows = await admin.unsafe(`select a from ${name} order by a`);
      return rows.map(({ a }) => a as number);
    },
    async [Symbol.asyncDispose]() {
      await admin.unsafe(`drop table ${name}`);
    },
  };
}
