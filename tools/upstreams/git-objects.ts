import { createHash } from "node:crypto";

export type GitType = "blob" | "tree" | "commit" | "tag";
export type GitObject = { readonly type: GitType; readonly sha: string; readonly content: Uint8Array };

/** File modes of a tree entry: file, executable, symbolic link. Directories are 40000. */
export type FileMode = "100644" | "100755" | "120000";
export type PackFile = { readonly bytes: Uint8Array; readonly mode: FileMode };
/** By path inside the pack, with `/`. */
export type PackFiles = ReadonlyMap<string, PackFile>;

export type TreeEntry = { readonly mode: FileMode | "40000"; readonly name: string; readonly sha: string };
export type Signature = { readonly name: string; readonly email: string; readonly date: Date };
export type Commit = {
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: Signature;
  readonly message: string;
};
export type Tag = {
  readonly object: string;
  readonly name: string;
  readonly tagger: Signature;
  readonly message: string;
};

/**
 * The objects of one repository, by the SHA-1 that git itself gives them, so that a client can check what it fetched.
 * Formats: git's documentation, "Git Internals - Git Objects", and gitformat-signature for dates.
 */
export class GitObjects {
  private readonly objects = new Map<string, GitObject>();
  private readonly trees = new Map<string, readonly TreeEntry[]>();
  private readonly commits = new Map<string, Commit>();
  private readonly tags = new Map<string, Tag>();

  get(sha: string): GitObject | undefined {
    return this.objects.get(sha);
  }

  tree(sha: string): readonly TreeEntry[] | undefined {
    return this.trees.get(sha);
  }

  commit(sha: string): Commit | undefined {
    return this.commits.get(sha);
  }

  tag(sha: string): Tag | undefined {
    return this.tags.get(sha);
  }

  /** The one commit whose name begins so, as `/commits/{ref}` accepts it. */
  commitByPrefix(prefix: string): string | undefined {
    if (!/^[0-9a-f]{7,40}$/.test(prefix)) return undefined;
    const found = [...this.commits.keys()].filter((sha) => sha.startsWith(prefix));
    return found.length === 1 ? found[0] : undefined;
  }

  writeBlob(bytes: Uint8Array): string {
    return this.write("blob", bytes);
  }

  /** Writes blobs and trees of a folder and returns the name of its root tree. */
  writeFiles(files: PackFiles): string {
    const entries: TreeEntry[] = [];
    const folders = new Map<string, Map<string, PackFile>>();
    for (const [path, file] of files) {
      const slash = path.indexOf("/");
      if (slash < 0) {
        entries.push({ mode: file.mode, name: path, sha: this.writeBlob(file.bytes) });
        continue;
      }
      const name = path.slice(0, slash);
      const folder = folders.get(name) ?? new Map<string, PackFile>();
      folders.set(name, folder.set(path.slice(slash + 1), file));
    }
    for (const [name, folder] of folders) entries.push({ mode: "40000", name, sha: this.writeFiles(folder) });
    return this.writeTree(entries);
  }

  writeTree(entries: readonly TreeEntry[]): string {
    const sorted = entries.toSorted(byGitName);
    const content = Buffer.concat(
      sorted.flatMap(({ mode, name, sha }) => [Buffer.from(`${mode} ${name}\0`), Buffer.from(sha, "hex")]),
    );
    const sha = this.write("tree", content);
    this.trees.set(sha, sorted);
    return sha;
  }

  writeCommit(commit: Commit): string {
    const lines = [
      `tree ${commit.tree}`,
      ...commit.parents.map((parent) => `parent ${parent}`),
      `author ${signatureText(commit.author)}`,
      `committer ${signatureText(commit.author)}`,
      "",
      commit.message,
    ];
    const sha = this.write("commit", Buffer.from(`${lines.join("\n")}\n`));
    this.commits.set(sha, commit);
    return sha;
  }

  writeTag(tag: Tag): string {
    const lines = [
      `object ${tag.object}`,
      "type commit",
      `tag ${tag.name}`,
      `tagger ${signatureText(tag.tagger)}`,
      "",
      tag.message,
    ];
    const sha = this.write("tag", Buffer.from(`${lines.join("\n")}\n`));
    this.tags.set(sha, tag);
    return sha;
  }

  private write(type: GitType, content: Uint8Array): string {
    const sha = createHash("sha1").update(`${type} ${content.length}\0`).update(content).digest("hex");
    this.objects.set(sha, { type, sha, content });
    return sha;
  }
}

const signatureText = ({ name, email, date }: Signature) =>
  `${name} <${email}> ${Math.floor(date.getTime() / 1000)} +0000`;

/** Git compares bytes, and a folder as if its name ended with a slash. */
function byGitName(a: TreeEntry, b: TreeEntry): number {
  const key = ({ mode, name }: TreeEntry) => Buffer.from(mode === "40000" ? `${name}/` : name);
  return Buffer.compare(key(a), key(b));
}
