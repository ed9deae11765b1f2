// Reads vectors (see federation/envelope/WIRE.md) with an SD-JWT implementation
// that is not ours, @sd-jwt/core, and says for each whether
//
//   - the objects it gets are JSON-equal to those that Entente gets,
//   - it refuses the message with its payload or its signature changed,
//   - the text of a changed disclosure never gets into its result.
//
// Hops are no part of RFC 9901, so only the first line of each message is read,
// and vectors that Entente refuses are not looked at.
//
//   node judge.mjs VECTORS-DIRECTORY...

import { createHash, createPublicKey, verify as verifySignature } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { SDJwtInstance } from "@sd-jwt/core";

const marker = "text-of-a-changed-disclosure";

// changes bounds how many disclosures of one message are changed, one at a time:
// each costs this implementation a reading of the whole message.
const changes = 120;

// verifier makes an SD-JWT verifier for the keys of one vector.
function verifier(vector) {
  const keys = new Map(
    vector.keys.map((k) => [
      k.kid,
      createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: k.x }, format: "jwk" }),
    ]),
  );
  return (kid) =>
    new SDJwtInstance({
      hasher: (data, alg) => createHash(alg.replace("-", "")).update(data).digest(),
      hashAlg: "sha-256",
      verifier: (data, signature) => {
        const key = keys.get(kid);
        return key !== undefined && verifySignature(null, Buffer.from(data), key, Buffer.from(signature, "base64url"));
      },
    });
}

// read verifies one SD-JWT at the vector's time and returns its payload.
async function read(vector, sdJwt) {
  const header = JSON.parse(Buffer.from(sdJwt.split(".")[0], "base64url"));
  const options = { currentDate: Date.parse(vector.now) / 1000 };
  const { payload } = await verifier(vector)(header.kid).verify(sdJwt, options);
  return payload;
}

// refuses reports whether a changed message is refused.
async function refuses(vector, sdJwt) {
  try {
    await read(vector, sdJwt);
    return false;
  } catch {
    return true;
  }
}

// flip changes one base64url character in the middle of a text.
function flip(text) {
  const at = Math.floor(text.length / 2);
  return text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
}

// mark puts the marker into the value of a disclosure.
function mark(disclosure) {
  const parts = JSON.parse(Buffer.from(disclosure, "base64url"));
  const value = parts.at(-1);
  const object = typeof value === "object" && value !== null && !Array.isArray(value);
  parts[parts.length - 1] = object ? { ...value, x_changed: marker } : marker;
  return Buffer.from(JSON.stringify(parts)).toString("base64url");
}

// judge returns what is wrong with one vector, and how much was tried.
async function judge(vector) {
  const sdJwt = vector.message[0];
  const [jwt, ...rest] = sdJwt.split("~");
  const disclosures = rest.slice(0, -1);
  const wrong = [];

  const payload = await read(vector, sdJwt);
  const expected = vector.expect.objects ?? [];
  if (!isDeepStrictEqual(payload.objects, expected)) {
    wrong.push("its objects are not those that are expected");
  }
  if (payload.iss !== vector.expect.issuer || payload.jti !== vector.expect.jti) {
    wrong.push("its issuer or id is not the one that is expected");
  }
  const [header, body, signature] = jwt.split(".");
  for (const [what, text] of [
    ["payload", [header, flip(body), signature].join(".")],
    ["signature", [header, body, flip(signature)].join(".")],
  ]) {
    if (!(await refuses(vector, [text, ...rest].join("~")))) {
      wrong.push(`it accepts a changed ${what}`);
    }
  }
  let tried = 0;
  for (let i = 0; i < disclosures.length; i += Math.ceil(disclosures.length / changes)) {
    tried++;
    const changed = disclosures.with(i, mark(disclosures[i]));
    let result = "";
    try {
      result = JSON.stringify(await read(vector, [jwt, ...changed, ""].join("~")));
    } catch {
      continue; // refused altogether: the text is in no result
    }
    if (result.includes(marker)) {
      wrong.push(`the text of the changed disclosure ${i} is in its result`);
    }
  }
  return { wrong, objects: expected.length, disclosures: disclosures.length, tried };
}

let judged = 0;
let failed = 0;
for (const dir of process.argv.slice(2)) {
  for (const name of readdirSync(dir).filter((n) => n.endsWith(".json")).sort()) {
    const vector = JSON.parse(readFileSync(join(dir, name), "utf8"));
    if (vector.expect.reason) {
      continue;
    }
    judged++;
    let line;
    try {
      const { wrong, objects, disclosures, tried } = await judge(vector);
      line =
        wrong.length === 0
          ? `ok: ${objects} objects, ${disclosures} disclosures, ${tried} of them changed in turn`
          : `FAILED: ${wrong.join("; ")}`;
    } catch (e) {
      line = `FAILED: it refuses the message: ${e.message}`;
    }
    if (line.startsWith("FAILED")) {
      failed++;
    }
    console.log(`${name}: ${line}`);
  }
}
console.log(`${judged} messages read by @sd-jwt/core, ${failed} failed`);
if (judged === 0) {
  console.error("judge: no vector to read; usage: node judge.mjs VECTORS-DIRECTORY...");
  process.exit(2);
}
process.exit(failed === 0 ? 0 : 1);
