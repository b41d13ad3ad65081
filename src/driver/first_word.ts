/**
 * What a statement is told by before it is sent.
 *
 * @module
 */

// What may stand in front of a statement, but for comments that nest.
const BLANK = /(?:[\s;]|--[^\n\r]*)*/y;
const COMMENT_EDGE = /\/\*|\*\//g;
const WORD = /[a-z]+|[^]?/iy;

/**
 * The first word of a statement, in lower case, or the sign that it begins with.
 *
 * It is empty where the text has no more than comments: then the statement
 * begins with what is put in behind it.
 *
 * It takes time in proportion to what it skips: nobody can make it slow.
 */
export function firstWord(text: string): string {
  let at = match(BLANK, text, 0).length;
  while (text.startsWith("/*", at)) {
    at = endOfComment(text, at);
    at += match(BLANK, text, at).length;
  }
  return match(WORD, text, at).toLowerCase();
}

function match(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)![0];
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
