/** Errors that nobody handles. */

/** Notes the codes of errors that nobody handles, before whoever else looks. */
export class Unheard implements Disposable {
  readonly codes: unknown[] = [];
  readonly #listen = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    this.codes.push(event.reason.code);
  };

  constructor() {
    addEventListener("unhandledrejection", this.#listen);
  }

  [Symbol.dispose](): void {
    removeEventListener("unhandledrejection", this.#listen);
  }
}
