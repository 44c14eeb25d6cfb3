#!/usr/bin/env node
// npm `solc` for the audit: one process that stays warm, and a client that forge runs as its compiler. WebAssembly compiles
// the same contracts three times faster in a process that has compiled before, and the audit compiles thousands of times.
//
//   warm_solc.js serve SOCKET    compile for whoever connects
//   warm_solc.js …               be a compiler: pass the request of forge on to AUDIT_SOLC_SOCKET
//
// The request is changed in two ways. The optimiser is off but for the order of literals: without that ProofBlob does not
// compile ("stack too deep"), and it moves no code between lines, so coverage stays exact. And with AUDIT_SOLC_LEAN,
// what a test run does not need (source maps, metadata) is not made, and what forge asks first, the ABIs that tell it which
// files hold the tests of a name, is answered from the first answer: a mutant changes no ABI of a test.
"use strict";

const fs = require("fs");
const net = require("net");
const path = require("path");

const LEAN = new Set([
  "abi",
  "evm.bytecode.object",
  "evm.bytecode.linkReferences",
  "evm.deployedBytecode.object",
  "evm.deployedBytecode.linkReferences",
  "evm.deployedBytecode.immutableReferences",
  "evm.methodIdentifiers",
]);

function prepared(text, lean) {
  const request = JSON.parse(text);
  request.settings.optimizer = { enabled: false, details: { orderLiterals: true } };
  if (lean) {
    for (const contracts of Object.values(request.settings.outputSelection)) {
      for (const name of Object.keys(contracts)) contracts[name] = contracts[name].filter((kind) => LEAN.has(kind));
    }
  }
  return JSON.stringify(request);
}

function kinds(request) {
  return Object.values(request.settings.outputSelection).flatMap((contracts) => Object.values(contracts).flat());
}

const remembered = new Map();

function compiled(solc, text) {
  const request = JSON.parse(text);
  if (!request.lean || kinds(request).some((kind) => kind !== "abi")) return solc.compile(text);
  const key = JSON.stringify([Object.keys(request.sources), request.settings]);
  if (!remembered.has(key)) remembered.set(key, solc.compile(text));
  return remembered.get(key);
}

function serve(socket) {
  const solc = require(path.resolve(process.env.PROOFBRIDGE_NODE_MODULES, "solc"));
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    const parts = [];
    client.on("data", (part) => parts.push(part));
    client.on("error", () => {}); // forge was stopped: nobody waits for the answer
    client.on("end", () => {
      const request = Buffer.concat(parts).toString("utf8");
      client.end(request === "version" ? solc.version() : compiled(solc, request));
    });
  });
  server.listen(socket);
}

function ask(request) {
  const parts = [];
  const server = net.connect(process.env.AUDIT_SOLC_SOCKET);
  server.on("error", (error) => {
    console.error(`solc: ${error.message}`);
    process.exitCode = 1;
  });
  server.on("data", (part) => parts.push(part));
  server.on("end", () => {
    const answer = Buffer.concat(parts).toString("utf8");
    process.stdout.write(request === "version" ? `solc, the solidity compiler\nVersion: ${answer}\n` : answer + "\n");
  });
  server.end(request);
}

const flags = process.argv.slice(2);
if (flags[0] === "serve") serve(flags[1]);
else if (flags.includes("--version")) ask("version");
else ask(prepared(fs.readFileSync(0, "utf8"), Boolean(process.env.AUDIT_SOLC_LEAN)));
