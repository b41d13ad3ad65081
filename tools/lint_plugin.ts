/** The rules of this repository that no general linter knows. */
import { importFault, isPublished, repositoryPath } from "./source_layers.ts";

const MAX_FILE_LINES = 300;
const MAX_FUNCTION_LINES = 40;
const TIMERS = new Set(["setTimeout", "setInterval"]);
const TIMER_FILE = "src/clock/system_clock.ts";

/** What the core must not mention: it knows no time, no chance and no waiting. */
const IMPURE = new Set([
  ...TIMERS,
  ...["Date", "performance", "Temporal", "queueMicrotask", "Promise"],
  ...["console", "globalThis", "crypto", "Deno", "process", "AbortSignal"],
]);

type Context = Deno.lint.RuleContext;
type Visitor = Deno.lint.LintVisitor;
type FunctionNode =
  | Deno.lint.FunctionDeclaration
  | Deno.lint.FunctionExpression
  | Deno.lint.ArrowFunctionExpression;

/** Layers and what may be imported from outside; see `source_layers.ts`. */
function importDirection(context: Context, path: string): Visitor {
  function check(
    node: Deno.lint.Node,
    source: Deno.lint.Node | null,
    isTypeOnly: boolean,
  ): void {
    if (source?.type !== "Literal" || typeof source.value !== "string") return;
    const specifier = source.value;
    const message = importFault({ from: path, specifier, isTypeOnly });
    if (message !== undefined) context.report({ node, message });
  }
  return {
    ImportDeclaration(node) {
      const isTypeOnly = node.importKind === "type" ||
        node.specifiers.length > 0 &&
          node.specifiers.every((specifier) =>
            specifier.type === "ImportSpecifier" &&
            specifier.importKind === "type"
          );
      check(node, node.source, isTypeOnly);
    },
    ExportNamedDeclaration(node) {
      check(node, node.source, node.exportKind === "type");
    },
    ExportAllDeclaration(node) {
      check(node, node.source, node.exportKind === "type");
    },
    ImportExpression(node) {
      check(node, node.source, false);
    },
    TSImportType(node) {
      // The declared type says Literal; it comes wrapped.
      const argument: Deno.lint.Node = node.argument;
      const isWrapped = argument.type === "TSLiteralType";
      check(node, isWrapped ? argument.literal : argument, true);
    },
  };
}

/** The core decides synchronously from its inputs alone. */
function pureCore(context: Context, path: string): Visitor {
  if (!path.startsWith("src/core/")) return {};
  function report(node: Deno.lint.Node, what: string): void {
    const message = `The core is pure: ${what} has no place in it`;
    context.report({ node, message });
  }
  function checkFunction(node: FunctionNode): void {
    if (node.async) report(node, "an async function");
  }
  return {
    Identifier(node) {
      if (IMPURE.has(node.name) && !isMemberName(node)) report(node, node.name);
    },
    MemberExpression(node) {
      const { object, property } = node;
      if (object.type !== "Identifier" || object.name !== "Math") return;
      if (property.type !== "Identifier" || property.name !== "random") return;
      report(node, "Math.random");
    },
    FunctionDeclaration: checkFunction,
    FunctionExpression: checkFunction,
    ArrowFunctionExpression: checkFunction,
    AwaitExpression(node) {
      report(node, "await");
    },
  };
}

/** Time comes from one place, so that a test can put another in its stead. */
function oneTimer(context: Context, path: string): Visitor {
  if (path === TIMER_FILE) return {};
  return {
    Identifier(node) {
      if (!TIMERS.has(node.name) || isInType(node)) return;
      const message = `Only ${TIMER_FILE} calls ${node.name}: use the clock`;
      context.report({ node, message });
    },
  };
}

/** A library writes nothing on its user's console. */
function noConsole(context: Context): Visitor {
  return {
    Identifier(node) {
      if (node.name !== "console" || isMemberName(node)) return;
      context.report({
        node,
        message: "Nothing in src/ writes to the console",
      });
    },
  };
}

/** Which argument of an error's constructor is its message; the others make their own. */
const MESSAGE_ARGUMENTS: Readonly<Record<string, number | undefined>> = {
  Error: 0,
  TypeError: 0,
  RangeError: 0,
  SyntaxError: 0,
  ProtocolViolation: 0,
  ConnectError: 1,
};

/** An error's message starts with a capital and ends without a full stop. */
function errorMessage(context: Context): Visitor {
  function check(node: Deno.lint.Node | undefined): void {
    if (node === undefined) return;
    const first = textAtStart(node);
    if (first !== undefined && !/^\p{Lu}/u.test(first)) {
      const message = "An error's message starts with a capital";
      context.report({ node, message });
    }
    if (textAtEnd(node)?.endsWith(".")) {
      const message = "An error's message has no full stop at its end";
      context.report({ node, message });
    }
  }
  return {
    NewExpression(node) {
      const { callee } = node;
      if (callee.type !== "Identifier") return;
      const index = MESSAGE_ARGUMENTS[callee.name];
      if (index !== undefined) check(node.arguments[index]);
    },
    CallExpression(node) {
      if (node.callee.type !== "Super") return;
      const parent = parentClass(context, node);
      if (parent.endsWith("Error")) check(node.arguments[0]);
    },
  };
}

/** What does not fit in the eye cannot be checked by it. */
function size(context: Context): Visitor {
  const { sourceCode } = context;
  function check(node: FunctionNode): void {
    const lines = sourceCode.getText(node).split("\n").length;
    if (lines <= MAX_FUNCTION_LINES) return;
    const message =
      `A function has at most ${MAX_FUNCTION_LINES} lines, this one ${lines}`;
    context.report({ node, message });
  }
  return {
    Program(node) {
      const lines = sourceCode.text.trimEnd().split("\n").length;
      if (lines <= MAX_FILE_LINES) return;
      const message =
        `A file has at most ${MAX_FILE_LINES} lines, this one ${lines}`;
      context.report({ node, message });
    },
    FunctionDeclaration: check,
    FunctionExpression: check,
    ArrowFunctionExpression: check,
  };
}

/** Whether an identifier is only the name of a member: `x.Date`, `{ Date: 1 }`. */
function isMemberName(node: Deno.lint.Identifier): boolean {
  const parent: Deno.lint.Node = node.parent;
  if ("computed" in parent && parent.computed) return false;
  if (parent.type === "MemberExpression") return parent.property === node;
  if (parent.type === "Property" && parent.shorthand) return false;
  return "key" in parent && parent.key === node;
}

/** Whether an identifier stands in a type: `ReturnType<typeof setTimeout>`. */
function isInType(node: Deno.lint.Identifier): boolean {
  return node.parent.type === "TSTypeQuery";
}

/** Answers the name of the class that the innermost class around extends. */
function parentClass(context: Context, node: Deno.lint.Node): string {
  const around = context.sourceCode.getAncestors(node).findLast((ancestor) =>
    ancestor.type === "ClassDeclaration" || ancestor.type === "ClassExpression"
  );
  if (around === undefined || !("superClass" in around)) return "";
  return around.superClass?.type === "Identifier" ? around.superClass.name : "";
}

/** The literal text that an expression starts with, if it starts with one. */
function textAtStart(node: Deno.lint.Node): string | undefined {
  if (node.type === "BinaryExpression") return textAtStart(node.left);
  if (node.type === "TemplateLiteral") return node.quasis[0]?.raw || undefined;
  return literalText(node);
}

/** The literal text that an expression ends with, if it ends with one. */
function textAtEnd(node: Deno.lint.Node): string | undefined {
  if (node.type === "BinaryExpression") return textAtEnd(node.right);
  if (node.type === "TemplateLiteral") return node.quasis.at(-1)?.raw;
  return literalText(node);
}

function literalText(node: Deno.lint.Node): string | undefined {
  if (node.type !== "Literal") return undefined;
  return typeof node.value === "string" ? node.value : undefined;
}

/** Makes a rule that looks only at what is published. */
function sourceRule(
  create: (context: Context, path: string) => Visitor,
): Deno.lint.Rule {
  return {
    create(context) {
      const path = repositoryPath(context.filename);
      return isPublished(path) ? create(context, path) : {};
    },
  };
}

const plugin: Deno.lint.Plugin = {
  name: "tidepool",
  rules: {
    "import-direction": sourceRule(importDirection),
    "pure-core": sourceRule(pureCore),
    "one-timer": sourceRule(oneTimer),
    "no-console": sourceRule(noConsole),
    "error-message": sourceRule(errorMessage),
    "size": sourceRule(size),
  },
};

export default plugin;
