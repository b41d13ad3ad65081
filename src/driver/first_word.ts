/**
 * What a statement is told by before it is sent.
 *
 * @module
 */

// What may stand in front of a statement, but for comments that nest.
const BLANK = /(?:[\s;]|--[^\n\r]*)*/y;
const COMMENT_EDGE = /\/\*|\*\//g;
const WORD = /[a-z]+|[^]?/iy;

// What is temporary is made by one of these words, or in that schema.
const TEMPORARY = /\btemp(?:orary)?\b|\bpg_temp/i;

/**
 * The first word of a statement, in lower case, or the sign that it begins with.
 *
 * It is empty where the text has no more than comments: then the statement
 * begins with what is put in behind it.
 *
 * It takes time in proportion to what it skips: nobody can make it slow.
 */
export function firstWord(text: string): string {
  let at = endOf(BLANK, text, 0);
  while (text.startsWith("/*", at)) {
    at = endOf(BLANK, text, endOfComment(text, at));
  }
  return text.slice(at, endOf(WORD, text, at)).toLowerCase();
}

/** Whether a text speaks of something temporary, or of a thing that has its name. */
export function mentionsTemporary(text: string): boolean {
  return TEMPORARY.test(text);
}

/** Where a pattern ends that matches anything; asked this way it makes no array. */
function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  pattern.test(text);
  return pattern.lastIndex;
}

function endOfComment(text: string, at: number): number {
  COMMENT_EDGE.lastIndex = at;
  let depth = 0;
  for (;;) {
    const edge = COMMENT_EDGE.exec(text);
    if (edge === null) return text.length;
    depth += edge[0] === "/*" ? 1 : -1;
    if (depth === 0) return COMMENT_EDGE.lastIndex;
  }
}
