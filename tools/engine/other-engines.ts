import { Eta } from "eta";
import Handlebars from "handlebars";
import { Liquid } from "liquidjs";
import type { Contender } from "./race.ts";

/** The loops over a thousand services in the languages of other template engines, for context. All but Liquid evaluate code from strings. */
export type OtherEngine = { readonly name: string; readonly render: Contender };

const ETA = `<% for (const [index, svc] of it.services.entries()) { %>
<% if (svc.enabled) { %>
[Unit]
Description=<%= svc.name %> (<%= index + 1 %> of <%= it.services.length %>)
[Container]
Image=<%= svc.image %>

PublishPort=<%= svc.port %>:80
Network=<%= svc.network.name %>.network
NetworkAlias=<%= svc.network.alias %>

<% for (const [key, value] of Object.entries(svc.environment)) { %>
Environment=<%= key %>=<%= value %>

<% } %>
<% for (const [at, volume] of svc.volumes.entries()) { %>
Volume=<%= volume %><% if (at < svc.volumes.length - 1) { %>,<% } %>

<% } %>
[Service]
Restart=<%= svc.restart %>

<% if (svc.restart == "always") { %>
RestartSec=10
<% } else if (svc.port > 1500) { %>
RestartSec=20
<% } %>
<% } %>
<% } %>
`;

const HANDLEBARS = `{{#each services}}
{{#if enabled}}
[Unit]
Description={{name}} ({{oneMore @index}} of {{@root.services.length}})
[Container]
Image={{image}}
PublishPort={{port}}:80
Network={{network.name}}.network
NetworkAlias={{network.alias}}
{{#each environment}}
Environment={{@key}}={{this}}
{{/each}}
{{#each volumes}}
Volume={{this}}{{#unless @last}},{{/unless}}
{{/each}}
[Service]
Restart={{restart}}
{{#if (is restart "always")}}
RestartSec=10
{{else if (above port 1500)}}
RestartSec=20
{{/if}}
{{/if}}
{{/each}}
`;

const LIQUID = `{% for svc in services %}{% if svc.enabled %}[Unit]
Description={{ svc.name }} ({{ forloop.index }} of {{ forloop.length }})
[Container]
Image={{ svc.image }}
PublishPort={{ svc.port }}:80
Network={{ svc.network.name }}.network
NetworkAlias={{ svc.network.alias }}
{% for pair in svc.environment %}Environment={{ pair[0] }}={{ pair[1] }}
{% endfor %}{% for volume in svc.volumes %}Volume={{ volume }}{% unless forloop.last %},{% endunless %}
{% endfor %}[Service]
Restart={{ svc.restart }}
{% if svc.restart == "always" %}RestartSec=10
{% elsif svc.port > 1500 %}RestartSec=20
{% endif %}{% endif %}{% endfor %}`;

export function otherEngines(): OtherEngine[] {
  const eta = new Eta({ autoEscape: false, autoTrim: [false, "nl"] });
  eta.loadTemplate("@loop", ETA);
  const handlebars = Handlebars.create();
  handlebars.registerHelper({
    oneMore: (index: number) => index + 1,
    is: (a: unknown, b: unknown) => a === b,
    above: (a: number, b: number) => a > b,
  });
  const compiled = handlebars.compile(HANDLEBARS, { noEscape: true });
  const liquid = new Liquid();
  const parsed = liquid.parse(LIQUID);
  return [
    { name: "eta (evaluated JavaScript)", render: (decisions) => eta.render("@loop", decisions) },
    { name: "handlebars (evaluated)", render: (decisions) => compiled(decisions) },
    { name: "liquidjs (interpreted)", render: (decisions) => String(liquid.renderSync(parsed, decisions)) },
  ];
}
