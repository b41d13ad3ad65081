/** The server that all contenders meet, and what is in it. */
import postgres from "npm:postgres@3.4.9";
import { CertificateAuthority } from "../tests/support/certificates.ts";
import {
  startPostgres,
  type TestServer,
} from "../tests/support/postgres_server.ts";

/** A server that is ready for all workloads. */
export interface Stage extends AsyncDisposable {
  readonly url: string;
  readonly ca: string;
  readonly serverVersion: string;
}

const OWNERS = 1_000;

// Of the workloads with the most connections.
const SETTINGS = {
  max_connections: "1100",
  autovacuum: "off",
  shared_buffers: "64MB",
};

export async function openStage(): Promise<Stage> {
  const authority = await CertificateAuthority.create();
  const tls = await authority.issue();
  const server = await startPostgres({ settings: SETTINGS, tls });
  const serverVersion = await fill(server);
  return {
    url: server.url,
    ca: authority.certPem,
    serverVersion,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Makes the table that is read; answers the server's version. */
async function fill(server: TestServer): Promise<string> {
  const sql = postgres(server.url, { max: 1, onnotice: () => {} });
  await sql`create table bench_rows (id serial, owner int, note text)`;
  await sql`insert into bench_rows (owner, note)
    select owner, 'note ' || owner || ' of ' || number
    from generate_series(0, ${
    OWNERS - 1
  }) owner, generate_series(1, 10) number`;
  await sql`create index on bench_rows (owner)`;
  await sql`analyze bench_rows`;
  const [row] = await sql`show server_version`;
  await sql.end();
  return row!.server_version;
}
