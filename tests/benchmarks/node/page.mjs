// What `score-offers` does with a page task, on SDK v3: brand, run, campaign and offer are read, then the page; everyone
// on it is judged, the page's receipt is written once, and the candidates are queued.
//
// The judgment is the shipped model over the shipped compact record, written as one writes it for speed: no object for a
// person, tables for what is the same for all. Its constants come from the benchmark's own program (`model.json`), where
// the shipped function works them out of the offer that it reads: that favours Node.
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { Agent } from "node:http";
import { DynamoDBClient, GetItemCommand, PutItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import { SQSClient, SendMessageBatchCommand } from "@aws-sdk/client-sqs";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { judge } from "./judge.mjs";
import { ofMap, ofRecord, person as nobody } from "./person.mjs";

const { env } = process;
const model = modelOf(JSON.parse(readFileSync(env.PAGE_MODEL, "utf8")));
const isWide = env.PAGE_ITEM === "wide";

function modelOf(constants) {
  const code = Object.fromEntries(constants.reasons.map(([byte, name]) => [name, byte]));
  const [offer] = constants.offers;
  const rules = offer.rules.map(({ when, unknown }) => ({ when, neutral: unknown === "neutral" }));
  return {
    ...constants,
    code,
    offer: { ...offer, rules },
    states: constants.topic_states.map((name) => code[name]),
    ties: Uint16Array.from(constants.ties),
  };
}

const settings = {
  region: env.AWS_REGION,
  endpoint: env.AWS_ENDPOINT_URL,
  credentials: {
    accessKeyId: env.AWS_ACCESS_KEY_ID,
    secretAccessKey: env.AWS_SECRET_ACCESS_KEY,
    sessionToken: env.AWS_SESSION_TOKEN,
  },
  requestHandler: new NodeHttpHandler({ httpAgent: new Agent({ keepAlive: true }) }),
};
const tables = new DynamoDBClient(settings);
const queues = new SQSClient(settings);
const table = (name) => `${env.APROPOS_TABLE_PREFIX}${name}`;

async function item(name, pk, sk) {
  const Key = sk ? { pk: { S: pk }, sk: { S: sk } } : { pk: { S: pk } };
  const { Item } = await tables.send(new GetItemCommand({ TableName: table(name), Key, ConsistentRead: true }));
  if (!Item) throw new Error(`there is no ${name} of this key`);
  return Item;
}

async function people(brand, cell) {
  const { Items } = await tables.send(
    new QueryCommand({
      TableName: table("audience"),
      KeyConditionExpression: "#pk = :pk",
      ProjectionExpression: "#sk, #data",
      ExpressionAttributeNames: { "#pk": "pk", "#sk": "sk", "#data": "d" },
      ExpressionAttributeValues: { ":pk": { S: `${brand}#${cell}#0` } },
      Limit: 8000,
    }),
  );
  return Items;
}

const length = (text) => {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(Buffer.byteLength(text), 4);
  return bytes;
};

const ROW = 18;
const CANDIDATES_A_MESSAGE = 20;

async function page(task) {
  const run = await item("campaigns", `${task.brand}#runs`, task.run);
  const campaign = JSON.parse((await item("campaigns", `${task.brand}#campaigns`, task.campaign)).doc.S);
  const version = `v#${String(campaign.offer_version).padStart(8, "0")}`;
  JSON.parse((await item("campaigns", `${task.brand}#offer#${campaign.offer}`, version)).doc.S);
  JSON.parse((await item("brands", task.brand)).doc.S);
  const now = Math.floor(Date.now() / 1000);

  const found = await people(task.brand, task.cells[0]);
  const receipt = Buffer.alloc(1 + found.length * ROW);
  receipt[0] = model.version;
  const shared = Buffer.concat([length(task.brand), Buffer.from(task.brand), length(task.run), Buffer.from(task.run)]);
  const candidates = [];
  const person = nobody();
  let at = 1;
  for (const { sk, d } of found) {
    if (isWide) ofMap(d.M, person, model.facts, model.today);
    else ofRecord(d.B, person, model.today);
    const name = createHmac("sha256", run.key.B).update(shared).update(length(sk.S)).update(sk.S).digest();
    name.copy(receipt, at, 0, 8);
    receipt.writeUInt32BE(person.version, at + 8);
    const outcome = judge(model, person, now, receipt, at + 13);
    receipt[at + 12] = outcome;
    if (outcome === 0) candidates.push(sk.S);
    at += ROW;
  }

  await tables.send(
    new PutItemCommand({
      TableName: table("receipts"),
      Item: {
        pk: { S: `${task.brand}#${task.run}` },
        sk: { S: `p#${String(task.task).padStart(6, "0")}#${String(task.page).padStart(6, "0")}` },
        d: { B: receipt },
        ttl: { N: String(now + 90 * 86_400) },
      },
      ConditionExpression: "attribute_not_exists(#pk)",
      ExpressionAttributeNames: { "#pk": "pk" },
    }),
  );
  const bodies = [];
  for (let from = 0; from < candidates.length; from += CANDIDATES_A_MESSAGE) {
    const customers = candidates.slice(from, from + CANDIDATES_A_MESSAGE);
    bodies.push(JSON.stringify({ v: 1, brand: task.brand, campaign: task.campaign, run: task.run, customers }));
  }
  for (let from = 0; from < bodies.length; from += 10) {
    const Entries = bodies.slice(from, from + 10).map((MessageBody, id) => ({ Id: String(id), MessageBody }));
    await queues.send(new SendMessageBatchCommand({ QueueUrl: env.APROPOS_SEND_QUEUE_URL, Entries }));
  }
}

export async function handler(event) {
  const batchItemFailures = [];
  for (const record of event.Records) {
    try {
      await page(JSON.parse(record.body));
    } catch (error) {
      console.error(error);
      batchItemFailures.push({ itemIdentifier: record.messageId });
    }
  }
  return { batchItemFailures };
}
