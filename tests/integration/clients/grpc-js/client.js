// gRPC of Node.js (@grpc/grpc-js with @grpc/grpc-js-xds), told by lines of JSON what to do: see harness/program.py.
"use strict";

const readline = require("node:readline");
const grpc = require("@grpc/grpc-js");
const xds = require("@grpc/grpc-js-xds");

const CALL_MS = 5000; // how long a call may take before it is an error

const asIs = (bytes) => bytes;
const method = (name) => ({
  path: `/egress.Test/${name}`,
  requestStream: false,
  responseStream: false,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
});

function say(object) {
  process.stdout.write(JSON.stringify(object) + "\n");
}

// CSDS: what the xDS client of this process has.
function listenForStatus() {
  const server = new grpc.Server();
  grpc.addAdminServicesToServer(server);
  return new Promise((done, fail) => {
    const plain = grpc.ServerCredentials.createInsecure();
    server.bindAsync("127.0.0.1:0", plain, (error, port) => (error ? fail(error) : done(port)));
  });
}

// A server that takes its configuration over xDS. It is bound once it has that, and nobody waits for it here.
function serve(port) {
  const server = new xds.XdsServer();
  const answer = (_call, done) => done(null, Buffer.from("grpc-js"));
  server.addService({ Who: method("Who"), Else: method("Else") }, { Who: answer, Else: answer });
  const creds = new xds.XdsServerCredentials(grpc.ServerCredentials.createInsecure());
  server.bindAsync(`127.0.0.1:${port}`, creds, () => {});
  return { serving: port };
}

const channels = new Map();

function call(name) {
  if (!channels.has(name)) channels.set(name, new grpc.Client(`xds:///${name}`, grpc.credentials.createInsecure()));
  const options = { deadline: Date.now() + CALL_MS };
  return new Promise((done) => {
    channels.get(name).makeUnaryRequest(method("Who").path, asIs, asIs, Buffer.alloc(0), options, (error, bytes) => {
      done(error ? { error: `${grpc.status[error.code]}: ${error.details}` } : { answer: bytes.toString() });
    });
  });
}

async function main() {
  xds.register();
  say({ csds: await listenForStatus() });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const told = JSON.parse(line);
    say("call" in told ? await call(told.call) : serve(told.serve));
  }
  process.exit(0);
}

main();
