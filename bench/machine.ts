/** Where a run took place, and with what. */

/** What the numbers depend on most. */
export async function describeMachine(): Promise<Record<string, string>> {
  const { total } = Deno.systemMemoryInfo();
  return {
    processor: await processor(),
    cores: String(navigator.hardwareConcurrency),
    memory: `${Math.round(total / 2 ** 30)} GB`,
    system: `${Deno.build.os} ${Deno.build.arch}`,
  };
}

/** The versions of all that takes part; the packages' are those of the lock file. */
export async function describeVersions(
  server: string,
): Promise<Record<string, string>> {
  const text = await Deno.readTextFile(
    new URL("../deno.lock", import.meta.url),
  );
  const { npm } = JSON.parse(text) as { npm: Record<string, unknown> };
  const names = ["postgres", "pg", "pg-pool", "generic-pool", "tarn"];
  const packages = names.map((name) => {
    const found = Object.keys(npm).find((key) => key.startsWith(`${name}@`));
    return [name, found?.slice(name.length + 1).split("_")[0] ?? "unknown"];
  });
  return {
    PostgreSQL: server,
    Deno: Deno.version.deno,
    V8: Deno.version.v8,
    ...Object.fromEntries(packages),
  };
}

async function processor(): Promise<string> {
  try {
    const info = await Deno.readTextFile("/proc/cpuinfo");
    return info.match(/^model name\s*:\s*(.*)$/m)?.[1] ?? "unknown";
  } catch {
    return "unknown";
  }
}
