import { firstWord, mentionsTemporary } from "../../src/driver/first_word.ts";
import { assert, assertEquals } from "../support/assert.ts";

Deno.test("firstWord() finds the first word behind blanks, semicolons and comments", () => {
  for (
    const text of [
      "begin",
      "BEGIN;",
      "\n\t begin work",
      ";; begin",
      "-- one\nbegin",
      "-- one\rbegin",
      "--\n--\n;begin",
      "/* one */begin",
      "/* one *//* two */ begin",
      "/* a /* nested */ one */ begin",
      "/***/begin",
      "/* -- */ begin",
      "-- /*\nbegin",
      "Begin/**/work",
    ]
  ) assertEquals(firstWord(text), "begin", text);
});

Deno.test("firstWord() takes no other word for it", () => {
  assertEquals(firstWord("select 'begin'"), "select");
  assertEquals(firstWord("beginning"), "beginning");
  assertEquals(firstWord("-- begin\nselect 1"), "select");
  assertEquals(firstWord("/* begin */ select 1"), "select");
  assertEquals(firstWord("/* a /* b */ begin"), "");
});

Deno.test("firstWord() answers nothing where the text has no more than comments", () => {
  for (
    const text of ["", " \n", "/* open", "-- one", ";"]
  ) {
    assertEquals(firstWord(text), "", text);
  }
  assertEquals(firstWord(" (select 1)"), "(");
  assertEquals(firstWord("*/ begin"), "*");
});

Deno.test("firstWord() is not made slow by comments without end", () => {
  // With a pattern that backtracks, this would take longer than anybody waits.
  assertEquals(firstWord("/*a*/".repeat(10_000) + "select 1"), "select");
  assertEquals(firstWord("/*".repeat(100_000)), "");
  assertEquals(firstWord("-- a\n".repeat(10_000) + "/*"), "");
});

Deno.test("mentionsTemporary() finds what makes something temporary", () => {
  for (
    const text of [
      "create temp table a (b int)",
      "select 1 as a into TEMPORARY b",
      "create type pg_temp.a as enum ()",
      'create table "pg_temp_3".a ()',
    ]
  ) assert(mentionsTemporary(text), text);
});

Deno.test("mentionsTemporary() takes no other word for it", () => {
  for (
    const text of ["select temperature", "select * from contemporary", ""]
  ) assert(!mentionsTemporary(text), text);
});
