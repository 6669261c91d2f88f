// Create on Node: the SDK's client in the Runtime API's loop, without a framework. The first call
// makes the three DynamoDB calls of `create-session`, later ones the one.

import { createHash, randomBytes, randomUUID } from "node:crypto";
import { Agent, request } from "node:http";
import {
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from "@aws-sdk/client-dynamodb";

const { AWS_LAMBDA_RUNTIME_API, REGISTRY_TABLE, SESSIONS_TABLE } = process.env;
const client = new DynamoDBClient({});
const [host, port] = AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new Agent({ keepAlive: true });
let environment;

function runtime(method, path, body) {
  return new Promise((resolve, reject) => {
    const call = request({ host, port, method, path: `/2018-06-01/runtime/${path}`, agent });
    call.on("response", (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () =>
        resolve({ headers: response.headers, text: Buffer.concat(chunks).toString() }));
    });
    call.on("error", reject);
    call.end(body);
  });
}

async function read(key) {
  const hash = createHash("sha256").update(key).digest("hex");
  const found = await client.send(new GetItemCommand({
    TableName: REGISTRY_TABLE,
    Key: { pk: { S: `KEY#${hash}` }, sk: { S: "KEY" } },
    ConsistentRead: true,
  }));
  const id = found.Item.environment_id.S;
  await client.send(new QueryCommand({
    TableName: REGISTRY_TABLE,
    KeyConditionExpression: "pk = :pk AND sk >= :sk",
    ExpressionAttributeValues: { ":pk": { S: `ENV#${id}` }, ":sk": { S: "ENV" } },
    ConsistentRead: true,
    Limit: 201,
  }));
  return id;
}

async function create(event) {
  environment ??= await read(event.headers.authorization.replace("Bearer ", ""));
  const body = JSON.parse(event.body);
  const token = `nango_connect_session_${randomBytes(32).toString("hex")}`;
  await client.send(new PutItemCommand({
    TableName: SESSIONS_TABLE,
    Item: {
      token_hash: { B: createHash("sha256").update(token).digest() },
      environment_id: { S: environment },
      session_id: { S: randomUUID() },
      body: { S: JSON.stringify(body) },
    },
    ConditionExpression: "attribute_not_exists(token_hash)",
  }));
  return {
    statusCode: 201,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ data: { token } }),
  };
}

for (;;) {
  const { headers, text } = await runtime("GET", "invocation/next");
  const answer = await create(JSON.parse(text));
  const id = headers["lambda-runtime-aws-request-id"];
  await runtime("POST", `invocation/${id}/response`, JSON.stringify(answer));
}
