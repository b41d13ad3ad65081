/**
 * Every option of a pool and how it is read.
 *
 * @module
 */

import { CONNECTION_RULES } from "./connection_rules.ts";
import { DRIVER_RULES, PIPELINE } from "./driver_rules.ts";
import type { OptionRule } from "./option_check.ts";
import {
  alias,
  CALLBACK,
  FLAG,
  integerOrInfinity,
  isFunction,
  isObject,
  isString,
  listOf,
  MILLISECONDS,
  oneOf,
  POSITIVE_MILLISECONDS,
  rule,
  TEXT,
} from "./option_kinds.ts";
import { BOUND_RULES } from "./pool_bounds.ts";
import type { PoolOptions } from "../pool_options.ts";

/** How each option is read. */
export const OPTION_RULES: Readonly<Record<keyof PoolOptions, OptionRule>> = {
  ...BOUND_RULES,
  acquireTimeoutMs: MILLISECONDS,
  connectTimeoutMs: POSITIVE_MILLISECONDS,
  queryTimeoutMs: POSITIVE_MILLISECONDS,
  releaseTimeoutMs: POSITIVE_MILLISECONDS,
  closeTimeoutMs: MILLISECONDS,
  idleTimeoutMs: MILLISECONDS,
  maxLifetimeMs: POSITIVE_MILLISECONDS,
  maxUses: integerOrInfinity(1),
  leakWarningMs: POSITIVE_MILLISECONDS,
  nestedAcquire: oneOf("warn", "ignore"),
  maxWaiting: integerOrInfinity(1),
  overload: overloadRule(),
  validateAfterIdleMs: MILLISECONDS,
  pipeline: PIPELINE,
  reset: resetRule(),
  onConnect: CALLBACK,
  onAcquire: CALLBACK,
  onRelease: CALLBACK,
  holdProcess: FLAG,
  name: TEXT,
  transport: CALLBACK,
  ...CONNECTION_RULES,
  ...DRIVER_RULES,
};

/** What to say of options that the driver or another pool has, and this one has not. */
export const OPTION_HINTS: Readonly<Record<string, string>> = {
  allowExitOnIdle: 'pass "holdProcess", which is the opposite, instead',
  application_name: 'pass "connection: { application_name }" instead',
  connectionString: "pass it as the first argument instead",
  connectionTimeout: 'pass "acquireTimeoutMs" instead',
  connectionTimeoutMillis: 'pass "acquireTimeoutMs" instead',
  idle_in_transaction_session_timeout:
    'pass "connection: { idle_in_transaction_session_timeout }" instead',
  idleTimeoutMillis: 'pass "idleTimeoutMs" instead',
  leakDetectionThreshold: 'pass "leakWarningMs" instead',
  lock_timeout: 'pass "connection: { lock_timeout }" instead',
  maxConnections: 'pass "max" instead',
  maxLifetimeSeconds: 'pass "maxLifetimeMs" instead',
  maximumPoolSize: 'pass "max" instead',
  minimumIdle: 'pass "min" instead',
  onclose: "listen to the pool's events instead",
  poolSize: 'pass "max" instead',
  publications: "only a client of the driver can subscribe",
  role: 'pass "connection: { role }" instead',
  search_path: 'pass "connection: { search_path }" instead',
  socket: 'pass "transport" instead',
  query_timeout: 'pass "queryTimeoutMs" instead',
  sslmode: 'did you mean "ssl"?',
  statement_timeout: 'pass "connection: { statement_timeout }" instead',
  timeoutMs: 'pass "acquireTimeoutMs" or "queryTimeoutMs" instead',
  url: "pass it as the first argument instead",
  verify: 'pass "onConnect" instead',
};

function overloadRule(): OptionRule {
  const names = ["targetMs", "intervalMs"];
  const isTime = (value: unknown) =>
    typeof value === "number" && value > 0 && value < Infinity;
  // Copied: what the caller does with his own object changes nothing.
  return alias(
    "overload",
    rule(
      "{ targetMs, intervalMs }, both above 0",
      isObject,
      (value) =>
        Object.keys(value).every((name) => names.includes(name)) &&
        names.every((name) => isTime(value[name])),
    ),
    (value) => Object.freeze({ ...value as object }),
  );
}

function resetRule(): OptionRule {
  const words = ["rollback", "session", "none"];
  return rule(
    `${listOf(words)}, or a function`,
    (value): value is string | ((...args: unknown[]) => unknown) =>
      isString(value) || isFunction(value),
    (value) => isFunction(value) || words.includes(value),
  );
}
