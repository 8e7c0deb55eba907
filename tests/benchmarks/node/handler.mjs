// What `run-campaigns` does with `GET /v1/campaigns/{id}` of a campaign that the table does not hold: one GetItem, then
// a problem. Bundled with the loop below into one file, as one would ship it.
//
// The settings are the quickest that are still sane: credentials handed over instead of searched for, Node's own HTTP
// with kept connections, one client made at start.
import { Agent } from "node:http";
import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { NodeHttpHandler } from "@smithy/node-http-handler";

const { env } = process;

const client = new DynamoDBClient({
  region: env.AWS_REGION,
  endpoint: env.AWS_ENDPOINT_URL,
  credentials: {
    accessKeyId: env.AWS_ACCESS_KEY_ID,
    secretAccessKey: env.AWS_SECRET_ACCESS_KEY,
    sessionToken: env.AWS_SESSION_TOKEN,
  },
  requestHandler: new NodeHttpHandler({ httpAgent: new Agent({ keepAlive: true }) }),
});

function problem(status, kind, title) {
  return {
    statusCode: status,
    headers: { "content-type": "application/problem+json" },
    body: JSON.stringify({ type: `/problems/${kind}`, title, status }),
  };
}

export async function handler(event) {
  const { brand, scopes = "" } = event.requestContext?.authorizer?.lambda ?? {};
  if (!brand) return problem(401, "unauthenticated", "An API key is needed.");
  if (!scopes.split(" ").includes("campaigns:read")) return problem(403, "missing-scope", "The key lacks a scope.");
  const [, , , campaign] = event.rawPath.split("/");
  const { Item } = await client.send(
    new GetItemCommand({
      TableName: `${env.APROPOS_TABLE_PREFIX}campaigns`,
      Key: { pk: { S: `${brand}#campaigns` }, sk: { S: campaign } },
      ConsistentRead: true,
    }),
  );
  if (!Item) return problem(404, "unknown", "There is no such campaign.");
  return { statusCode: 200, headers: { "content-type": "application/json" }, body: Item.doc.S };
}
