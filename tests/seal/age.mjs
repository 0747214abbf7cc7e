// Seals or opens the standard input with the package age-encryption:
// age.mjs FOLDER keygen x25519|hybrid
// age.mjs FOLDER seal passphrase|recipient SECRET binary|armored
// age.mjs FOLDER open passphrase|identity SECRET binary|armored
import { webcrypto } from "node:crypto";
import { readFileSync, writeSync } from "node:fs";

// A version of Node below 20 has it under another name.
globalThis.crypto ??= webcrypto;

const [folder, command, kind, secret, form] = process.argv.slice(2);
const age = await import(folder + "/node_modules/age-encryption/dist/index.js");

function print(bytes) {
  for (let done = 0; done < bytes.length; ) done += writeSync(1, bytes, done);
}

if (command === "keygen") {
  const identity = await (kind === "hybrid" ? age.generateHybridIdentity() : age.generateX25519Identity());
  console.log(identity + " " + (await age.identityToRecipient(identity)));
} else if (command === "seal") {
  const sealer = new age.Encrypter();
  if (kind === "passphrase") sealer.setPassphrase(secret);
  else sealer.addRecipient(secret);
  const sealed = await sealer.encrypt(readFileSync(0));
  print(form === "armored" ? Buffer.from(age.armor.encode(sealed)) : sealed);
} else {
  const opener = new age.Decrypter();
  if (kind === "passphrase") opener.addPassphrase(secret);
  else opener.addIdentity(secret);
  const input = readFileSync(0);
  print(await opener.decrypt(form === "armored" ? age.armor.decode(input.toString()) : input));
}
