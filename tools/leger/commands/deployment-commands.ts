import { ConfigurationPage, type Deployment, DeploymentPage } from "../api/shapes.ts";
import { readPages } from "../api/read-pages.ts";
import { leaf } from "../leaf.ts";
import { minute, style, table } from "../output.ts";
import type { Api, Query } from "../api/client.ts";

const allDeployments = (api: Api, query: Query = {}) =>
  readPages(api, { path: "/deployments", query, shape: DeploymentPage, items: (page) => page.deployments });

const HEAD = ["DEPLOYMENT", "DEVICE", "STATUS", "PROVED", "VERSION", "NEWEST", "SEEN", "NOTES"];

const rowOf = (one: Deployment) => [
  one.namespace === "/" ? one.name : `${one.namespace}/${one.name}`,
  one.hostname,
  one.status,
  one.state,
  `v${one.version}`,
  one.head_version === null ? "-" : `v${one.head_version}`,
  minute(one.times.seen),
  [
    one.is_behind ? "behind" : "",
    one.is_drifted ? "changed by hand" : "",
    one.is_offline ? "offline" : "",
    one.error ?? "",
    ...one.findings.map(({ message }) => message),
  ]
    .filter((note) => note !== "")
    .join("; ") || "-",
];

export const deploymentsCommand = () =>
  leaf<{ device?: string; namespace?: string }>({
    name: "deployments",
    description: "What runs where, as far as devices proved it.",
    declare: (command) =>
      command
        .argument("[deployment]", "only this one")
        .option("--device <id>", "only this device")
        .option("--namespace <path>", "only this namespace"),
    run: async ({ api, out, args, options }) => {
      const deployments = await allDeployments(api, {
        deployment: args[0],
        device: options.device,
        namespace: options.namespace,
      });
      const lines =
        deployments.length > 0 ? table(deployments.map(rowOf), HEAD) : ["No device has asked for anything yet."];
      out.result({ deployments }, lines);
    },
  });

export const statusCommand = () =>
  leaf({
    name: "status",
    description: "In one look: what is saved, what devices get, what they proved, and what needs somebody.",
    run: async ({ api, out, server }) => {
      const [configurations, deployments] = await Promise.all([
        readPages(api, { path: "/configurations", shape: ConfigurationPage, items: (page) => page.configurations }),
        allDeployments(api),
      ]);
      const failed = configurations.filter(({ render_state }) => render_state === "failed");
      const needs = [
        ...failed.map(
          ({ name, version }) => `version ${version} of ${name} could not be rendered: leger config history ${name}`,
        ),
        ...deployments
          .filter(({ status }) => status === "failed")
          .map(({ name, hostname, error }) => `${name} failed on ${hostname}: ${error ?? "no reason was given"}`),
        ...deployments
          .filter(({ is_drifted }) => is_drifted)
          .map(({ name, hostname }) => `${name} was changed by hand on ${hostname}`),
      ];
      const saved = configurations.map(({ name, version, head_version, render_state }) => [
        name,
        `v${version} ${render_state ?? ""}`,
        head_version === null ? "devices get nothing yet" : `devices get v${head_version}`,
      ]);
      out.result({ server, configurations, deployments, needs_attention: needs }, [
        ...(saved.length > 0 ? table(saved) : ["There are no deployments."]),
        ...(deployments.length > 0 ? ["", ...table(deployments.map(rowOf), HEAD)] : []),
        "",
        ...(needs.length > 0
          ? needs.map((need) => `${style("red", "!")} ${need}`)
          : [`${style("green", "✓")} nothing needs you`]),
      ]);
    },
  });
