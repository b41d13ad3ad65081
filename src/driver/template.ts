/**
 * What is known of a template.
 *
 * @module
 */

import { CallSite } from "../call_site.ts";
import { firstWord } from "./first_word.ts";

const templates = new WeakMap<readonly string[], Template>();

/** A template of a program: its text does not change, nor where it stands. */
export class Template {
  /** The first word of its text, in lower case. */
  readonly firstWord: string;
  /**
   * The line where it stands. Who called that differs from use to use.
   *
   * It is told at once: until then a stack holds the lease it was made on.
   */
  readonly place: string;

  private constructor(strings: readonly string[], tag: unknown) {
    this.firstWord = firstWord(strings[0] ?? "");
    this.place = new CallSite(tag).toString().split("\n", 1)[0] ?? "";
  }

  /**
   * The template of these strings, made at their first use; `tag` is the scope
   * that was called. `undefined`: they are no template's, which cannot change.
   */
  static of(strings: readonly string[], tag: unknown): Template | undefined {
    const known = templates.get(strings);
    if (known !== undefined) return known;
    if (!Object.isFrozen(strings)) return undefined;
    const template = new Template(strings, tag);
    templates.set(strings, template);
    return template;
  }
}
