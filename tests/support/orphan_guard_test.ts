import { assert, assertRejects } from "./assert.ts";
import { sessionCount } from "./server_view.ts";

const DEADLINE_MS = 10_000;

Deno.test({
  name: "a server ends and its folder goes when its owner is killed",
  ignore: Deno.build.os === "windows",
  async fn() {
    const owner = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--allow-all",
        new URL("forgetful.ts", import.meta.url).href,
      ],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const reader = owner.stdout.getReader();
    const { value } = await reader.read();
    const { url, dataDir } = JSON.parse(new TextDecoder().decode(value));
    assert(await sessionCount(url, "") >= 0, "It should accept connections");

    owner.kill("SIGKILL");
    await owner.status;
    await reader.cancel();
    await owner.stdin.abort();

    await assertGone(dataDir);
    await assertRejects(() => sessionCount(url, ""));
  },
});

async function assertGone(path: string): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (await Deno.stat(path).then(() => true, () => false)) {
    assert(performance.now() < deadline, `${path} should be gone`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
