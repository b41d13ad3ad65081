import type { Session } from "../contenders/contender.ts";
import { ratesOf } from "./stopwatch.ts";
import {
  MANY_ROUNDS,
  MAX,
  type Measured,
  RATE,
  type Scene,
  type Workload,
} from "./workload.ts";

const CALLERS = 100;
const OWNERS = 1_000;

/** 100 callers, each with a connection for one statement or transaction at a time. */
export const leases: readonly Workload[] = [
  {
    ...workload(
      "lease_select",
      "lease + select 1",
      "withConnection",
      () => (session) => session.selectOne(),
    ),
    ...MANY_ROUNDS,
  },
  workload(
    "lease_read",
    "lease + 10 rows by key",
    "withConnection",
    (turn) => (session) => session.readTen(turn % OWNERS),
  ),
  workload(
    "transaction",
    "transaction of 3 statements",
    "transaction",
    (turn) => async (session) => {
      await session.selectOne();
      await session.readTen(turn % OWNERS);
      return await session.selectOne();
    },
  ),
];

function workload(
  name: string,
  title: string,
  way: "withConnection" | "transaction",
  body: (turn: number) => (session: Session) => PromiseLike<unknown>,
): Workload {
  return {
    name,
    title: `${title}, max ${MAX}, ${CALLERS} callers`,
    metrics: [RATE],
    contenders: [
      ...["tidepool", "postgres_js", "pg_pool", "generic_pool", "tarn"],
      ...["dedicated", "bun_sql"],
    ],
    isLasting: true,
    run: (scene) => run(scene, way, body),
  };
}

async function* run(
  scene: Scene,
  way: "withConnection" | "transaction",
  body: (turn: number) => (session: Session) => PromiseLike<unknown>,
): AsyncGenerator<Measured, void> {
  const { contender, url, name } = scene;
  const open = await contender.open({ url, max: MAX });
  const use = open[way]!;
  // Without a pool there are as many callers as connections, and no queue.
  const callers = name === "dedicated" ? MAX : CALLERS;
  let turn = 0;
  try {
    yield* ratesOf(scene, callers, (loop) => use(body(turn++), loop));
  } finally {
    await open.close();
  }
}
