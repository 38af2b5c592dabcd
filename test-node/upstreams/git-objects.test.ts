import { execFileSync, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GitObjects, type GitType, type TreeEntry } from "../../tools/upstreams/git-objects.ts";
import { PACK_FILES } from "./make-fixtures.ts";

const hasGit = spawnSync("git", ["--version"]).status === 0;

/** Without git these are reported as skipped, which the check counts as not run. */
describe.skipIf(!hasGit)("names and bytes are those of the real git", () => {
  const objects = new GitObjects();
  let repository: string;

  beforeAll(async () => {
    repository = await mkdtemp(path.join(tmpdir(), "leger-git-"));
    git(["init", "--quiet", "--bare", "."]);
  });

  afterAll(async () => {
    await rm(repository, { recursive: true, force: true });
  });

  /** Without the configuration of whoever runs the tests. */
  const git = (args: readonly string[], input: string | Uint8Array = "") =>
    execFileSync("git", args, {
      cwd: repository,
      input,
      env: { PATH: process.env.PATH, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", HOME: repository },
    })
      .toString()
      .trim();

  /** git checks the object's format before it takes it, and names it itself. */
  const hashObject = (type: GitType, bytes: Uint8Array) => git(["hash-object", "-w", "-t", type, "--stdin"], bytes);

  const writtenTree = () => {
    const files = Object.entries(PACK_FILES).map(
      ([name, text]) => [name, { bytes: Buffer.from(text), mode: "100644" as const }] as const,
    );
    return objects.writeFiles(new Map(files));
  };

  const bytesOf = (sha: string) => objects.get(sha)!.content;

  test("blobs: empty, text, bytes that are no text", () => {
    for (const bytes of [Buffer.from(""), Buffer.from("text\r\n"), Buffer.from([0, 255, 10, 0])]) {
      expect(objects.writeBlob(bytes)).toBe(hashObject("blob", bytes));
    }
  });

  test("trees: git mktree sorts the same entries into the same name", () => {
    const visit = (sha: string): string => {
      const entries = objects.tree(sha)!;
      for (const entry of entries) {
        if (entry.mode === "40000") visit(entry.sha);
        else hashObject("blob", bytesOf(entry.sha));
      }
      const line = (entry: TreeEntry) =>
        `${entry.mode.padStart(6, "0")} ${entry.mode === "40000" ? "tree" : "blob"} ${entry.sha}\t${entry.name}\0`;
      expect(git(["mktree", "-z"], entries.toReversed().map(line).join(""))).toBe(sha);
      return sha;
    };
    expect(visit(writtenTree())).toMatch(/^[0-9a-f]{40}$/);
  });

  test("commits and tags: git takes them, names them alike, and reads from them what was written", () => {
    const tree = writtenTree();
    const author = { name: "A Person", email: "a@example.com", date: new Date("2026-01-05T10:00:00.900Z") };
    const first = objects.writeCommit({ tree, parents: [], author, message: "First" });
    const second = objects.writeCommit({ tree, parents: [first], author, message: "Second" });
    const tag = objects.writeTag({ object: second, name: "v1.0.0", tagger: author, message: "Release" });
    expect(hashObject("commit", bytesOf(first))).toBe(first);
    expect(hashObject("commit", bytesOf(second))).toBe(second);
    expect(hashObject("tag", bytesOf(tag))).toBe(tag);
    expect(git(["log", "-1", "--format=%T %P %an <%ae> %at %s", second])).toBe(
      `${tree} ${first} A Person <a@example.com> 1767607200 Second`,
    );
    expect(git(["rev-parse", `${tag}^{commit}`])).toBe(second);
  });
});
