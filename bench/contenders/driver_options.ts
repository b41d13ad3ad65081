import type { Options } from "npm:postgres@3.4.9";
import type { OpenOptions } from "./contender.ts";

/** What postgres.js is told, whoever pools its connections. */
export function driverOptions(
  { max, ca }: Pick<OpenOptions, "max" | "ca">,
  // deno-lint-ignore ban-types -- as in the driver: no custom types
): Options<{}> {
  return {
    max,
    onnotice: () => {},
    ...(ca === undefined ? {} : { ssl: { ca } }),
  };
}
