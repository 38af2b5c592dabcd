/** `docker.io/pgvector/pgvector:pg17` as name, tag and the numbers in the tag. A digest says nothing about versions. */
export type ImageVersion = { readonly name: string; readonly shortName: string; readonly numbers: readonly number[] };

export function imageVersion(image: string): ImageVersion {
  const [reference = ""] = image.split("@");
  const slash = reference.lastIndexOf("/");
  const colon = reference.indexOf(":", slash + 1);
  const name = colon === -1 ? reference : reference.slice(0, colon);
  const tag = colon === -1 ? "" : reference.slice(colon + 1);
  const match = /\d+(?:\.\d+)*/.exec(tag)?.[0] ?? "";
  return { name, shortName: name.slice(slash + 1), numbers: match === "" ? [] : match.split(".").map(Number) };
}

/** Images that keep their data in a format of their major version. */
const DATABASES = new Set(
  (
    "postgres postgresql pgvector postgis timescaledb mysql mariadb percona mongo mongodb redis valkey keydb qdrant chroma " +
    "weaviate milvus elasticsearch opensearch meilisearch influxdb clickhouse clickhouse-server neo4j cassandra couchdb " +
    "cockroach etcd surrealdb"
  ).split(" "),
);

export const isDatabase = (version: ImageVersion): boolean => DATABASES.has(version.shortName);

/** Negative when `to` is older than `from`; 0 when equal or when either has no numbers. */
export function compareNumbers(from: readonly number[], to: readonly number[]): number {
  if (from.length === 0 || to.length === 0) return 0;
  for (let index = 0; index < Math.min(from.length, to.length); index += 1) {
    const difference = (to[index] ?? 0) - (from[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
