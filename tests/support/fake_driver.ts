/** A driver without a network: its dials end when they are told to. */
import type {
  Connection,
  DialOptions,
  Driver,
} from "../../src/driver/connection.ts";
import { FakeSession, type SessionWatcher } from "./fake_session.ts";

/** A dial under way. */
export interface FakeDial extends DialOptions {
  /** It opens a session. */
  open(): FakeSession;
  /** It fails. */
  fail(error: unknown): void;
}

/** A driver, and the server it speaks to. */
export class FakeDriver implements Driver {
  readonly attempts: number;
  /** The dials under way, oldest first; one that was given up is none of them. */
  readonly dials = new Set<FakeDial>();
  /** The sessions that the server has. */
  readonly sessions = new Set<FakeSession>();
  /** Whether a dial takes no notice that it is given up, and ends as it may. */
  isDeaf = false;
  /** Tells more than what the driver keeps for itself. */
  readonly #watcher: Partial<SessionWatcher>;
  #lastPid = 0;

  constructor(watcher: Partial<SessionWatcher> = {}, attempts = 1) {
    this.#watcher = watcher;
    this.attempts = attempts;
  }

  dial({ attempt, signal }: DialOptions): Promise<Connection> {
    if (signal.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const settle = <T>(end: (value: T) => void, value: T) => {
        this.dials.delete(dial);
        signal.removeEventListener("abort", giveUp);
        end(value);
        return value;
      };
      const giveUp = () => this.isDeaf || settle(reject, signal.reason);
      const dial: FakeDial = {
        attempt,
        signal,
        open: () => settle(resolve, this.#session()) as FakeSession,
        fail: (error) => void settle(reject, error),
      };
      this.dials.add(dial);
      signal.addEventListener("abort", giveUp, { once: true });
    });
  }

  #session(): FakeSession {
    const session: FakeSession = new FakeSession(++this.#lastPid, {
      onSent: (...sent) => this.#watcher.onSent?.(...sent),
      onRun: (...run) => this.#watcher.onRun?.(...run),
      onCancel: (session) => this.#watcher.onCancel?.(session),
      onTerminate: (session) => this.#watcher.onTerminate?.(session),
      onGone: () => {
        this.sessions.delete(session);
        this.#watcher.onGone?.(session);
      },
    });
    this.sessions.add(session);
    return session;
  }
}
