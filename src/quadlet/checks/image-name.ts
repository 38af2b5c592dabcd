import type { Finding } from "#core/finding.ts";
import { isDecidedLater, placeOf, warning, type Check, type WrittenKey } from "#quadlet/checks/check.ts";

const CODE = "image_name";

function check({ view, section, values, last }: WrittenKey): Finding[] {
  const image = values.string();
  if (section === "Volume" && view.string(section, "Driver") !== "image") return [];
  if (image === "" || isDecidedLater(image) || image.endsWith(".image") || image.endsWith(".build")) return [];
  if (image.startsWith("sha256:") || /^[0-9a-f]{64}$/.test(image)) return [];
  const found: Finding[] = [];
  const warn = (message: string, action: string) => found.push(warning(CODE, placeOf(last), { message, action }));
  const slash = image.indexOf("/");
  const domain = slash === -1 ? "" : image.slice(0, slash);
  if (!domain.includes(".") && !domain.includes(":") && domain !== "localhost") {
    const full = slash === -1 ? `docker.io/library/${image}` : `docker.io/${image}`;
    warn(
      `${image} names no registry: each device decides by its own configuration what it pulls.`,
      `Write the full name, such as ${full}.`,
    );
  }
  const name = image.slice(image.lastIndexOf("/") + 1);
  if (!image.includes("@") && domain !== "localhost") {
    if (!name.includes(":"))
      warn(`${image} has no tag: Podman takes latest, which changes without notice.`, "Pin a version, such as :1.2.3.");
    else if (name.endsWith(":latest")) warn(`${image} changes without notice.`, "Pin a version, such as :1.2.3.");
  }
  return found;
}

/** Images that mean one thing today and another tomorrow, or one per device. */
export const imageName: Check = {
  code: CODE,
  ofKey: {
    reads: ({ section, key }) =>
      key === "Image" && (section === "Container" || section === "Image" || section === "Volume"),
    run: check,
  },
};
