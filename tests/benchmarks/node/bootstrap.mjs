// The loop of a custom runtime, as short as it can be. Lambda's own Node runtime does more before the first event, so
// the comparison favours Node.
import { Agent, request } from "node:http";
import { handler } from "./handler.mjs";

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new Agent({ keepAlive: true });
const root = "/2018-06-01/runtime/invocation";

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const sent = request({ agent, host, port, method, path }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part) => (text += part));
      answer.on("end", () => resolve({ headers: answer.headers, text }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

async function main() {
  for (;;) {
    const { headers, text } = await call("GET", `${root}/next`);
    const id = headers["lambda-runtime-aws-request-id"];
    try {
      await call("POST", `${root}/${id}/response`, JSON.stringify(await handler(JSON.parse(text))));
    } catch (error) {
      await call("POST", `${root}/${id}/error`, JSON.stringify({ errorType: error.name, errorMessage: error.message }));
    }
  }
}

main();
