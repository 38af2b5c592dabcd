/** Templates make names, of whatever length; that of a file of a pack is shorter. */
const NAME_CHARS_MAX = 1024;

/**
 * The paths of the pack that a name in a template may mean: relative to the file that says it, then to templates/, then to
 * the pack itself. A name that leads out of the pack means nothing.
 */
export function candidatePaths(name: string, from: string): string[] {
  if (name.startsWith("/") || name.length > NAME_CHARS_MAX) return [];
  const folder = from.slice(0, from.lastIndexOf("/") + 1);
  const paths = [normalizePath(folder + name), normalizePath(`templates/${name}`), normalizePath(name)];
  return [...new Set(paths.filter((path) => path !== null))];
}

function normalizePath(path: string): string | null {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) return null;
  }
  return parts.join("/");
}

/** The first of the candidates that the pack has. */
export function findInPack(files: Readonly<Record<string, string>>, name: string, from: string): string | null {
  return candidatePaths(name, from).find((path) => Object.hasOwn(files, path)) ?? null;
}
