import { assertEquals } from "../support/assert.ts";

const INTERRUPTION = new URL(
  "../../examples/demo/interruption.ts",
  import.meta.url,
);

const isIgnored = Deno.build.os === "windows"; // it could catch no signal

/** A process that says what it hears, and ends with its input. */
function listener(echoMs: number): Deno.ChildProcess {
  const program = `
    import { Interruption } from "${INTERRUPTION}";
    using interruption = new Interruption(${echoMs});
    const say = () => console.log("Interrupted");
    interruption.signal.addEventListener("abort", () => setTimeout(say, 0));
    Deno.unrefTimer(setTimeout(() => Deno.exit(1), 30_000)); // deaf
    console.log("Ready");
    await Deno.stdin.readable.pipeTo(new WritableStream());
    console.log("Finished");`;
  return new Deno.Command(Deno.execPath(), {
    args: ["eval", program],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
}

/** Interrupts it twice, each time when it is ready to hear that. */
async function interrupt(
  process: Deno.ChildProcess,
  lines: ReadableStream<string>,
): Promise<string> {
  let out = "";
  for (const word of ["Ready", "Interrupted"]) {
    for await (const text of lines.values({ preventCancel: true })) {
      out += text;
      if (out.includes(word)) break;
    }
    process.kill("SIGINT");
  }
  return out;
}

async function rest(lines: ReadableStream<string>): Promise<string> {
  return (await Array.fromAsync(lines)).join("");
}

Deno.test({
  name: "Interruption takes the echo of a Ctrl-C for the same",
  ignore: isIgnored,
  async fn() {
    await using process = listener(60_000);
    const lines = process.stdout.pipeThrough(new TextDecoderStream());
    let out = await interrupt(process, lines);
    await process.stdin.close();
    out += await rest(lines);
    assertEquals(out, "Ready\nInterrupted\nFinished\n");
    assertEquals((await process.status).code, 0);
  },
});

Deno.test({
  name: "Interruption lets a later Ctrl-C end the process",
  ignore: isIgnored,
  async fn() {
    await using process = listener(0);
    const lines = process.stdout.pipeThrough(new TextDecoderStream());
    const out = await interrupt(process, lines) + await rest(lines);
    assertEquals(out, "Ready\nInterrupted\n");
    assertEquals((await process.status).code, 130);
    await process.stdin.close();
  },
});
